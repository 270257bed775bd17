/*
 * spline - the weights of a Catmull-Rom spline: Keys' cubic with a = -1/2 (IEEE Trans. ASSP 29, 1981).
 *
 * For a place between the second and the third of four neighbours, t behind the second, 0 <= t < 1. They add up to
 * 1; at t = 0 the second stands alone. In float for pixels, in double for tables that are made once.
 */
#ifndef COMMON_SPLINE_H
#define COMMON_SPLINE_H

#define SPLINE_WEIGHTS(name, type)                                                                           \
    static inline void name(type t, type w[4])                                                               \
    {                                                                                                        \
        type u = 1 - t;                                                                                      \
        w[0] = (type)-0.5 * t * u * u;                                                                       \
        w[1] = 1 + t * t * ((type)1.5 * t - (type)2.5);                                                      \
        w[2] = 1 + u * u * ((type)1.5 * u - (type)2.5);                                                      \
        w[3] = (type)-0.5 * u * t * t;                                                                       \
    }

SPLINE_WEIGHTS(spline_weights_float, float)
SPLINE_WEIGHTS(spline_weights, double)

#undef SPLINE_WEIGHTS

#endif
