/* Products of int8 weights with floats that are written in digits.
 *
 * An int8 weight meets each float as three digits of 8 bits below its lane's largest float, which is
 * as exact as float32. Where the processor has dot products of bytes (AVX-512 VNNI), a few lanes meet
 * the weights so, and in half the instructions that it takes to turn weights into floats.
 * Must never be asked for a product of another format.
 */
#ifndef DIGITS_H
#define DIGITS_H

#include "vectors.h"

#define DIGITS 3
#define MOST_DIGIT_LANES 2 /* lanes that share one reading of a weight: all sums stay in registers */

/* Lanes made ready for a product: as tiles, group by group, in each every 64 bytes of a row of weights;
 * or each lane's digits, the lowest first. */
typedef struct {
    uint8_t *at;
    float *unit; /* what the lowest digit of each lane counts, for INT8 */
    int32_t *start; /* (lanes, DIGITS, WIDTH): from where the sums of each lane's digits count */
    int lanes;
    int64_t inputs;
} packing;

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

#define LARGEST_NUMBER (127.0f * 65536.0f) /* in three digits of 8 bits with signs */

/* The largest of count floats without their signs; NaN where one of them is. */
static float largest_of(const float *x, int64_t count) {
    __m512 largest = _mm512_setzero_ps();
    __mmask16 is_none = 0;
    for (int64_t k = 0; k < count; k += WIDTH) {
        const __m512 some = _mm512_loadu_ps(x + k);
        largest = _mm512_max_ps(largest, _mm512_abs_ps(some));
        is_none |= _mm512_cmp_ps_mask(some, some, _CMP_UNORD_Q);
    }
    return is_none ? NAN : _mm512_reduce_max_ps(largest);
}

/* 64 floats, counted in units, as three columns of fours: digits, the lowest first. */
INLINE void split_int8(const float *x, float units_of_one, __m512i column[DIGITS]) {
    uint8_t digits[DIGITS][64];
    for (int i = 0; i < 64; i += 16) {
        __m512i rest = _mm512_cvtps_epi32(_mm512_loadu_ps(x + i) * units_of_one);
        for (int d = 0; d < DIGITS; d++) {
            const __m512i digit = _mm512_srai_epi32(_mm512_slli_epi32(rest, 24), 24);
            rest = _mm512_srai_epi32(_mm512_sub_epi32(rest, digit), 8);
            _mm_storeu_si128((void *)(digits[d] + i), _mm512_cvtepi32_epi8(digit));
        }
    }
    for (int d = 0; d < DIGITS; d++) column[d] = _mm512_loadu_si512(digits[d]);
}

/* Find what a lane's lowest digit counts; return how many of it make one. */
INLINE float units_of_lane(const float *x, int64_t inputs, float *unit) {
    const float most = largest_of(x, inputs);
    *unit = most / LARGEST_NUMBER;
    return most > 0.0f ? LARGEST_NUMBER / most : 0.0f;
}

INLINE int suits_digits(const int format, int64_t inputs) { return format == INT8 && inputs % 64 == 0; }

/* Weights have signs, but the instruction wants one side without: 128 is added to each weight, and
 * what that adds to a sum is taken from its start. */
static void write_digits(packing *p, const float *x, int lanes, int64_t inputs) {
    const __m512i middle = _mm512_set1_epi8(-128);
    p->lanes = lanes;
    p->inputs = inputs;
    for (int lane = 0; lane < lanes; lane++) {
        const float units_of_one = units_of_lane(x + lane * inputs, inputs, p->unit + lane);
        uint8_t *to = p->at + lane * DIGITS * inputs;
        __m512i column[DIGITS], added[DIGITS] = {0};
        for (int64_t k = 0; k < inputs; k += 64) {
            split_int8(x + lane * inputs + k, units_of_one, column);
            for (int d = 0; d < DIGITS; d++) {
                _mm512_storeu_si512(to + d * inputs + k, column[d]);
                added[d] = _mm512_dpbusd_epi32(added[d], middle, column[d]);
            }
        }
        for (int d = 0; d < DIGITS; d++)
            _mm512_storeu_si512(p->start + (lane * DIGITS + d) * WIDTH, _mm512_sub_epi32((__m512i){0}, added[d]));
    }
}

/* Add the products of four bytes each. Left to choose, GCC 12 keeps half of the sums in memory. */
INLINE void add_fours(__m512i *total, __m512i weights, __m512i digits) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*total) : "v"(weights), "v"(digits));
}

/* out[m * rows + r] = the product of lane first_lane + m and row first + r * apart of w, before the
 * row's factor. lanes and rows are constants. */
INLINE void digit_block(const int lanes, const int rows, const packing *p, int first_lane, const int8_t *w,
                        int64_t first, int64_t apart, float *out) {
    const int64_t size = p->inputs;
    const uint8_t *digits = p->at + first_lane * DIGITS * size;
    const __m512i middle = _mm512_set1_epi8(-128);
    __m512i total[MOST_DIGIT_LANES][4][DIGITS];
#pragma GCC unroll 4
    for (int m = 0; m < lanes; m++)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (int d = 0; d < DIGITS; d++)
                total[m][r][d] = _mm512_loadu_si512(p->start + ((first_lane + m) * DIGITS + d) * WIDTH);
    for (int64_t k = 0; k < size; k += 64) {
        __m512i row[4];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const int8_t *at = w + (first + r * apart) * size + k;
            row[r] = _mm512_xor_si512(_mm512_loadu_si512(at), middle);
            if (first_lane) __builtin_prefetch(at + size, 0, 2); /* these are near already: ask for the next */
        }
#pragma GCC unroll 4
        for (int m = 0; m < lanes; m++)
#pragma GCC unroll 3
            for (int d = 0; d < DIGITS; d++) {
                const __m512i some = _mm512_loadu_si512(digits + (m * DIGITS + d) * size + k);
#pragma GCC unroll 4
                for (int r = 0; r < rows; r++) add_fours(&total[m][r][d], row[r], some);
            }
    }
#pragma GCC unroll 4
    for (int m = 0; m < lanes; m++) {
        vec whole[4];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            whole[r] = (vec)_mm512_cvtepi32_ps(total[m][r][2]);
            whole[r] = whole[r] * 256.0f + (vec)_mm512_cvtepi32_ps(total[m][r][1]);
            whole[r] = (whole[r] * 256.0f + (vec)_mm512_cvtepi32_ps(total[m][r][0])) * p->unit[first_lane + m];
        }
        if (rows == 4) store_sums(out + 4 * m, whole[0], whole[1], whole[2], whole[3]);
        else
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) out[m * rows + r] = sum(whole[r]);
    }
}

#define DIGIT_BLOCK(lanes, rows) \
    case lanes * 8 + rows: digit_block(lanes, rows, p, first_lane, w, first, apart, out); break;

static void any_digit_block(int lanes, int rows, const packing *p, int first_lane, const int8_t *w,
                            int64_t first, int64_t apart, float *out) {
    switch (lanes * 8 + rows) {
        DIGIT_BLOCK(1, 4) DIGIT_BLOCK(2, 4) DIGIT_BLOCK(1, 1) DIGIT_BLOCK(2, 1)
    }
}

#else

INLINE int suits_digits(const int format, int64_t inputs) { return (void)format, (void)inputs, 0; }
static void write_digits(packing *p, const float *x, int lanes, int64_t inputs) {
    (void)p, (void)x, (void)lanes, (void)inputs;
}
static void any_digit_block(int lanes, int rows, const packing *p, int first_lane, const int8_t *w,
                            int64_t first, int64_t apart, float *out) {
    (void)lanes, (void)rows, (void)p, (void)first_lane, (void)w, (void)first, (void)apart, (void)out;
}
#endif

#endif
