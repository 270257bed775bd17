/*
 * subjects - the one place where a model's list of classes meets the table of synsets.
 */
#ifndef APP_SUBJECTS_H
#define APP_SUBJECTS_H

#include "common/error.h"
#include "dreamer/port.h"
#include "engine/dream/dream.h"
#include "synsets/synsets.h"

/* Marks the classes that the model has. Ids that are not among the 1000 are left out: nobody could ask for
 * them. Returns how many are marked. */
int subjects_known(const struct model *m, struct synsets_known *known);

/* The synset of a class of the model; -1: none, or the model (NULL: there is none) does not name its classes. */
int subjects_synset(const struct model *m, int class_index);

/* A class of the model as it is wanted. */
struct port_subject subjects_place(int class_index, const struct synsets_manner *m);

/* What a line in the words of a request, or in numbers ("#12"), WordNet ids or labels of the model, asks of it, as -t takes
 * it. For a class that it lacks one that
 * comes near is taken, and *note says so (else it is ""); where `note` is NULL, none is. 0, or -EINVAL with one
 * line that says why it cannot be dreamed and what is near. */
int subjects_find(struct dream_target *t, const struct model *m, const char *text, struct error *note,
                  struct error *e);

#endif
