/*
 * camera_kernels_avx2 - eight pixels at a time. The two neighbours in a row are fetched as one 32-bit pair;
 * each stage of the arithmetic is then one multiply-add of 16-bit pairs, which is why samples have 14 bits.
 */
#include "stream/camera_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

struct lane_line { /* a sample_line spread over eight lanes */
    __m256i x, y, step_x, step_y, max_x, max_y, stride;
    const uint16_t *samples;
};

static inline struct lane_line spread(const struct sample_line *l)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const struct sample_plane *p = l->plane;
    return (struct lane_line){
        .x = _mm256_add_epi32(_mm256_set1_epi32(l->x), _mm256_mullo_epi32(lanes, _mm256_set1_epi32(l->dx))),
        .y = _mm256_add_epi32(_mm256_set1_epi32(l->y), _mm256_mullo_epi32(lanes, _mm256_set1_epi32(l->dy))),
        .step_x = _mm256_slli_epi32(_mm256_set1_epi32(l->dx), 3),
        .step_y = _mm256_slli_epi32(_mm256_set1_epi32(l->dy), 3),
        .max_x = _mm256_set1_epi32((p->width - 1) << POSITION_BITS),
        .max_y = _mm256_set1_epi32((p->height - 1) << POSITION_BITS),
        .stride = _mm256_set1_epi32(p->stride),
        .samples = p->samples,
    };
}

/* Position -> a pair of weights that add up to WEIGHT_ONE, the right (or lower) neighbour's in
 * the high half. */
static inline __m256i weight_pair(__m256i position)
{
    __m256i f = _mm256_srli_epi32(_mm256_slli_epi32(position, 32 - POSITION_BITS),
                                  32 - POSITION_BITS + POSITION_BITS - WEIGHT_BITS);
    return _mm256_or_si256(_mm256_slli_epi32(f, 16), _mm256_sub_epi32(_mm256_set1_epi32(WEIGHT_ONE), f));
}

/* Eight samples that start at `low`, eight that start at `high`. */
static inline __m256i load_halves(const uint16_t *low, const uint16_t *high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)),
                                   _mm_loadu_si128((const __m128i *)high), 1);
}

/*
 * Fetches each lane's two neighbours in row iy (upper) and in the row below it (lower). Gathers are slow on
 * many processors and seldom needed: as long as the picture is not turned much, four lanes in a row read from
 * one row of the plane and from at most eight columns, so a load and a byte shuffle for each half do.
 */
static inline void fetch(const struct lane_line *l, __m256i ix, __m256i iy, __m256i *upper, __m256i *lower)
{
    const __m256i spread_byte = _mm256_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 0, 0, 0,
                                                 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    __m256i at = _mm256_add_epi32(_mm256_mullo_epi32(iy, l->stride), ix);
    /* Samples from the half's first lane on; a lane in another row or to the left is out of 0..6. */
    __m256i from_first = _mm256_sub_epi32(at, _mm256_shuffle_epi32(at, 0));
    __m256i far = _mm256_andnot_si256(_mm256_set1_epi32(7), from_first);
    __m256i last = _mm256_cmpeq_epi32(from_first, _mm256_set1_epi32(7));
    far = _mm256_or_si256(far, last);
    if (!_mm256_testz_si256(far, far)) {
        *upper = _mm256_i32gather_epi32((const int *)l->samples, at, 2);
        *lower = _mm256_i32gather_epi32((const int *)l->samples, _mm256_add_epi32(at, l->stride), 2);
        return;
    }
    const uint16_t *low = l->samples + _mm256_extract_epi32(at, 0);
    const uint16_t *high = l->samples + _mm256_extract_epi32(at, 4);
    const int stride = _mm256_extract_epi32(l->stride, 0);
    __m256i bytes = _mm256_shuffle_epi8(_mm256_slli_epi32(from_first, 1), spread_byte);
    __m256i pick = _mm256_add_epi8(bytes, _mm256_set1_epi32(0x03020100));
    *upper = _mm256_shuffle_epi8(load_halves(low, high), pick);
    *lower = _mm256_shuffle_epi8(load_halves(low + stride, high + stride), pick);
}

/* Eight samples with 7 fraction bits; moves the line eight pixels on. */
static inline __m256i sample(struct lane_line *l)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i half_x = _mm256_set1_epi32(1 << 12), half_y = _mm256_set1_epi32(1 << 13);
    __m256i x = _mm256_max_epi32(zero, _mm256_min_epi32(l->x, l->max_x));
    __m256i y = _mm256_max_epi32(zero, _mm256_min_epi32(l->y, l->max_y));
    __m256i upper, lower;
    fetch(l, _mm256_srli_epi32(x, POSITION_BITS), _mm256_srli_epi32(y, POSITION_BITS), &upper, &lower);
    __m256i wx = weight_pair(x), wy = weight_pair(y);
    upper = _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(upper, wx), half_x), 13);
    lower = _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(lower, wx), half_x), 13);
    __m256i both = _mm256_or_si256(upper, _mm256_slli_epi32(lower, 16));
    l->x = _mm256_add_epi32(l->x, l->step_x);
    l->y = _mm256_add_epi32(l->y, l->step_y);
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(both, wy), half_y), 14);
}

/* Writes the low bytes of eight lanes, `n` of them when fewer are left. */
static inline void store(uint8_t *out, int n, __m256i v)
{
    __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i bytes = _mm_packus_epi16(words, words);
    if (n >= 8) {
        _mm_storel_epi64((__m128i *)out, bytes);
    } else {
        uint8_t rest[16];
        _mm_storeu_si128((__m128i *)rest, bytes);
        memcpy(out, rest, (size_t)n);
    }
}

static void one(uint8_t *out, int n, const struct sample_line *line)
{
    struct lane_line l = spread(line);
    for (int i = 0; i < n; i += 8) {
        __m256i v = _mm256_add_epi32(sample(&l), _mm256_set1_epi32(1 << 6));
        store(out + i, n - i, _mm256_srli_epi32(v, 7));
    }
}

static void two(uint8_t *out, int n, const struct sample_line *older, const struct sample_line *newer,
                const uint16_t *newer_weight)
{
    struct lane_line a = spread(older), b = spread(newer);
    for (int i = 0; i < n; i += 8) {
        __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(newer_weight + i)));
        __m256i pair =
            _mm256_or_si256(_mm256_slli_epi32(w, 16), _mm256_sub_epi32(_mm256_set1_epi32(WEIGHT_ONE), w));
        __m256i va = sample(&a);
        __m256i both = _mm256_or_si256(va, _mm256_slli_epi32(sample(&b), 16));
        __m256i v = _mm256_add_epi32(_mm256_madd_epi16(both, pair), _mm256_set1_epi32(1 << 20));
        store(out + i, n - i, _mm256_srli_epi32(v, 21));
    }
}

static inline __m256i above_black(__m256i v)
{
    return _mm256_max_epi32(_mm256_sub_epi32(v, _mm256_set1_epi32(SAMPLE_BLACK)), _mm256_setzero_si256());
}

/* As mix_light of the plain tier. */
static inline __m256i mix_light(__m256i a, __m256i b, __m256i w)
{
    const __m256i rest = _mm256_sub_epi32(_mm256_set1_epi32(WEIGHT_ONE), w);
    a = above_black(a);
    b = above_black(b);
    __m256i both = _mm256_or_si256(a, _mm256_slli_epi32(b, 16));
    __m256i mean = _mm256_madd_epi16(both, _mm256_or_si256(rest, _mm256_slli_epi32(w, 16)));
    mean = _mm256_srli_epi32(_mm256_add_epi32(mean, _mm256_set1_epi32(1 << 13)), 14);
    __m256i apart = _mm256_sub_epi32(a, b);
    apart = _mm256_srli_epi32(_mm256_mullo_epi32(apart, apart), 14);
    __m256i share = _mm256_srli_epi32(_mm256_mullo_epi32(w, rest), 12);
    __m256i square = _mm256_add_epi32(_mm256_mullo_epi32(mean, mean),
                                      _mm256_srli_epi32(_mm256_mullo_epi32(apart, share), 2));
    __m256 root = _mm256_add_ps(_mm256_sqrt_ps(_mm256_cvtepi32_ps(square)), _mm256_set1_ps(0.5f));
    return _mm256_add_epi32(_mm256_cvttps_epi32(root), _mm256_set1_epi32(SAMPLE_BLACK));
}

static void two_light(uint8_t *out, int n, const struct sample_line *older, const struct sample_line *newer,
                      const uint16_t *newer_weight)
{
    struct lane_line a = spread(older), b = spread(newer);
    for (int i = 0; i < n; i += 8) {
        __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(newer_weight + i)));
        __m256i va = sample(&a);
        __m256i v = _mm256_add_epi32(mix_light(va, sample(&b), w), _mm256_set1_epi32(1 << 6));
        store(out + i, n - i, _mm256_srli_epi32(v, 7));
    }
}

const struct camera_kernels camera_kernels_avx2 = {"avx2", one, two, two_light};
#endif
