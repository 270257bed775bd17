/*
 * octaves - how much each octave of a view's gradient weighs, by how large the network sees the picture.
 *
 * A view that is much smaller than the picture has its finest octave where the picture has a coarser one, so
 * detail is welcome there. A view nearly as large as the picture (small pictures, small objects) writes its finest
 * octave, in which networks are noisiest, into every pixel: grain, and the lattice of the pools. So from a scale of a half
 * on, that is where objects are less than two windows of the network large, the finest octave loses weight and
 * coarser ones gain it. At full scale 0.85 and 0.5 become 1.30 and 0.14, which is what looked best there
 * (bench/LOG.md). Scales and not pixels count, so it is the same for every network.
 */
#ifndef ENGINE_OCTAVES_H
#define ENGINE_OCTAVES_H

#include <math.h>

#define OCTAVES_FREE_SCALE  0.5 /* up to here the settings hold as they are */
#define OCTAVES_GAIN_RISE   0.61
#define OCTAVES_FINEST_FALL 1.84

/* As dream.octave_gain and dream.finest_gain. */
struct octaves_weight {
    double gain, finest;
};

/* Of a view with so many pixels per pixel of the picture (each way). */
static inline struct octaves_weight octaves_at(double gain, double finest, double scale)
{
    double over = scale > OCTAVES_FREE_SCALE ? scale / OCTAVES_FREE_SCALE : 1;
    struct octaves_weight w = {gain * pow(over, OCTAVES_GAIN_RISE), finest / pow(over, OCTAVES_FINEST_FALL)};
    return w;
}

#endif
