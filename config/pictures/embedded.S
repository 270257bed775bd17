/*
 * embedded - the presets of `reverie still`: see app/still_presets.c. Plain data: one text for every processor.
 */
    .section .rodata

.macro preset name
    .globl still_preset_\name
still_preset_\name:
    .incbin "config/pictures/\name\().yaml"
    .globl still_preset_\name\()_end
still_preset_\name\()_end:
    .byte 0
.endm

    preset class
    preset photo
    preset deepdream
    preset print
    preset classic2015

    .section .note.GNU-stack, "", %progbits
