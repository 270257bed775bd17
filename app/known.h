/*
 * known - the one place where a model's class list meets the table of synsets.
 */
#ifndef APP_KNOWN_H
#define APP_KNOWN_H

#include "engine/model/model.h"
#include "synsets/synsets.h"

/* Marks the classes that the model has. Ids that are not among the 1000 are left out: nobody could ask for
 * them. Returns how many are marked. */
int known_from_model(const struct model *m, struct synsets_known *known);

#endif
