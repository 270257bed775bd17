/*
 * embedded - files that are linked into the program (embedded.S): the model that it starts with, and the
 * patch prior. Both are safetensors; their cards stand in models/README.md.
 */
#ifndef MODELS_EMBEDDED_H
#define MODELS_EMBEDDED_H

extern const unsigned char embedded_model[], embedded_model_end[];
extern const unsigned char embedded_prior[], embedded_prior_end[];

#endif
