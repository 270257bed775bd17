/*
 * embedded - see embedded.h. Plain data: no instruction in here, so one text serves every processor.
 */
/* Says that nothing in here hinders shadow stacks and checked jumps (CET): one object without the note takes them from
 * the whole program. */
#ifdef __CET__
#include <cet.h>
#endif

    .section .rodata
    .balign 64
    .globl embedded_model
embedded_model:
    .incbin "models/reverie-mini.safetensors"
    .globl embedded_model_end
embedded_model_end:
    .byte 0

    .balign 64
    .globl embedded_prior
embedded_prior:
    .incbin "models/patch-prior.safetensors"
    .globl embedded_prior_end
embedded_prior_end:
    .byte 0

    .section .note.GNU-stack, "", %progbits
