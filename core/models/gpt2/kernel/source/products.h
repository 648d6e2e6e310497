/* Products of weights with a few lanes of floats, on any processor.
 *
 * Must never look at threads or at the shape of a model.
 */
#ifndef PRODUCTS_H
#define PRODUCTS_H

#include "vectors.h"

#define MOST_LANES 8 /* lanes that share one reading of a weight from memory to registers */
#define AHEAD 1024   /* bytes of a row, and of the one behind it, that are asked for early */

/* out[m * rows + r] = the product of x's lane m and row first + r * apart of w. lanes and rows are
 * constants. */
INLINE void block(const int lanes, const int rows, const int format, const float *x, int64_t x_stride,
                 const void *w, int64_t first, int64_t apart, int64_t size, float *out) {
    const int64_t bytes = bytes_of(format);
    vec total[MOST_LANES][4];
#pragma GCC unroll 8
    for (int m = 0; m < lanes; m++)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) total[m][r] = (vec){0};
    int64_t k = 0;
    for (; k + WIDTH <= size; k += WIDTH) {
        vec row[4];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            row[r] = load_weights(w, (first + r * apart) * size + k, format);
            __builtin_prefetch((const char *)w + ((first + r * apart) * size + k) * bytes + AHEAD);
        }
#pragma GCC unroll 8
        for (int m = 0; m < lanes; m++) {
            vec input = load(x + m * x_stride + k);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) total[m][r] = fused(input, row[r], total[m][r]);
        }
    }
    if (k < size) /* the rest as a vector too: lanes by themselves and together are alike to the bit */
#pragma GCC unroll 8
        for (int m = 0; m < lanes; m++) {
            const vec input = load_rest(x + m * x_stride, k, size - k, FLOAT32);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                total[m][r] = fused(input, load_rest(w, (first + r * apart) * size + k, size - k, format), total[m][r]);
        }
#pragma GCC unroll 8
    for (int m = 0; m < lanes; m++)
        if (rows == 4) store_sums(out + 4 * m, total[m][0], total[m][1], total[m][2], total[m][3]);
        else
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) out[m * rows + r] = sum(total[m][r]);
}

#define BLOCK(lanes, rows) \
    case lanes * 8 + rows: \
        if (format == FLOAT32) block(lanes, rows, FLOAT32, x, x_stride, w, first, apart, size, out); \
        else if (format == BFLOAT16) block(lanes, rows, BFLOAT16, x, x_stride, w, first, apart, size, out); \
        else block(lanes, rows, INT8, x, x_stride, w, first, apart, size, out); \
        break;

static void any_block(int lanes, int rows, int format, const float *x, int64_t x_stride, const void *w,
                     int64_t first, int64_t apart, int64_t size, float *out) {
    switch (lanes * 8 + rows) {
        BLOCK(1, 4) BLOCK(2, 4) BLOCK(3, 4) BLOCK(4, 4) BLOCK(5, 4) BLOCK(6, 4) BLOCK(7, 2) BLOCK(8, 2)
        BLOCK(1, 1) BLOCK(2, 1) BLOCK(3, 1) BLOCK(4, 1) BLOCK(5, 1) BLOCK(6, 1) BLOCK(7, 1) BLOCK(8, 1)
    }
}

#endif
