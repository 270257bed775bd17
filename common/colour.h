/*
 * colour - the numbers of BT.709 video, once for all who turn red, green and blue into it.
 *
 * ITU-R BT.709-6, items 3.2 to 3.5, applied to values as they are (gamma space). Limited range, 8 bits: Y is
 * 16 + 219 luma, Cb and Cr are 128 + 224 times a colour difference that is scaled to -0.5..0.5. How a result is
 * rounded and clipped is the caller's; the constants come in the caller's `type` (float or double), so that arithmetic
 * in float stays in float. Macros, because CUDA kernels use them too.
 */
#ifndef COMMON_COLOUR_H
#define COMMON_COLOUR_H

enum {
    COLOUR_BLACK_Y = 16,
    COLOUR_WHITE_Y = 235,
    COLOUR_Y_STEPS = COLOUR_WHITE_Y - COLOUR_BLACK_Y,
    COLOUR_GREY_C = 128, /* Cb and Cr of all greys */
    COLOUR_C_MIN = 16,
    COLOUR_C_MAX = 240,
    COLOUR_C_STEPS = COLOUR_C_MAX - COLOUR_C_MIN,
};

/* In the scale of r, g and b. */
#define COLOUR_LUMA(type, r, g, b) ((type)0.2126 * (r) + (type)0.7152 * (g) + (type)0.0722 * (b))

/* What b - luma and r - luma are divided by: 2 (1 - 0.0722) and 2 (1 - 0.2126). */
#define COLOUR_CB_RANGE(type) ((type)1.8556)
#define COLOUR_CR_RANGE(type) ((type)1.5748)

#endif
