/*
 * still_recipe - what a picture was made with, as a text that stands in it, and back.
 *
 * The text is for people too: a line with the program's version, one with the model and its fingerprint, then
 * "section.key=value" for every setting that differs from its default. What only says on which hardware or into which
 * file is left out. Names of files stand in it as they were typed.
 */
#ifndef APP_STILL_RECIPE_H
#define APP_STILL_RECIPE_H

#include "config/config.h"
#include "engine/model/model.h"

/* The text; the caller frees it. */
char *still_recipe_text(const struct config *c, const char *model_name, uint64_t fingerprint);

/* Settings of a picture's recipe go over what is there. 0 or -errno with a line naming the picture. */
int still_recipe_read(const struct config *c, const char *picture, struct error *e);

/* Says on stderr when that picture was made by another version or with another model. */
void still_recipe_compare(const char *picture, uint64_t fingerprint);

#endif
