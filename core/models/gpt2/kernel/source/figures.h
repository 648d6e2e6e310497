/* The figures of a row of scores, in one pass for the likeliest and one for the sums. */
#ifndef FIGURES_H
#define FIGURES_H

#include "vectors.h"

INLINE int any_of(ivec flags) {
    int64_t parts[WIDTH / 2], seen = 0;
    memcpy(parts, &flags, sizeof parts);
    for (int i = 0; i < WIDTH / 2; i++) seen |= parts[i];
    return seen != 0;
}

/* The scores from i on, as far as there are any; behind them minus infinity. */
INLINE vec load_row(const float *scores, int64_t i, int64_t size) {
    if (i + WIDTH <= size) return load(scores + i);
    vec rest = (vec){0} - INFINITY;
    memcpy(&rest, scores + i, (size_t)(size - i) * sizeof(float));
    return rest;
}

/* The greatest of a row of scores, of equal ones the first; the first one where none is a number. */
INLINE int64_t likeliest(const float *scores, int64_t size) {
    int64_t best = 0;
    float most = -INFINITY;
    for (int64_t begin = 0; begin < size; begin += WIDTH) {
        if (!any_of(load_row(scores, begin, size) > most)) continue;
        for (int64_t i = begin; i < begin + WIDTH && i < size; i++) {
            if (!(scores[i] > most)) continue;
            most = scores[i];
            best = i;
        }
    }
    return best;
}

/* The figures of one row of scores.
 *
 * ids and values take its count largest, largest first, of equal ones the first; figures takes the
 * logarithm of the sum of exponentials, the entropy in nats, and how many are above minus infinity.
 * Return how many of ids were filled: fewer than count where scores are few, or not a number. */
static int row_figures(const float *scores, int64_t size, int count, int64_t *ids, float *values,
                       double *figures) {
    int found = 0;
    float least = -INFINITY;
    for (int64_t begin = 0; begin < size; begin += 4 * WIDTH) {
        const int64_t end = begin + 4 * WIDTH < size ? begin + 4 * WIDTH : size;
        if (found == count && end - begin == 4 * WIDTH) {
            ivec above = (load(scores + begin) > least) | (load(scores + begin + WIDTH) > least) |
                         (load(scores + begin + 2 * WIDTH) > least) | (load(scores + begin + 3 * WIDTH) > least);
            if (!any_of(above)) continue;
        }
        for (int64_t i = begin; i < end; i++) {
            if (!(found < count ? scores[i] == scores[i] : scores[i] > least)) continue;
            int place = found < count ? found++ : count - 1;
            for (; place > 0 && values[place - 1] < scores[i]; place--) {
                values[place] = values[place - 1];
                ids[place] = ids[place - 1];
            }
            values[place] = scores[i];
            ids[place] = i;
            if (found == count) least = values[count - 1];
        }
    }
    const float most = found ? values[0] : -INFINITY;
    double total = 0.0, weighted = 0.0, kept = 0.0;
    for (int64_t begin = 0; begin < size; begin += 64 * WIDTH) {
        const int64_t end = begin + 64 * WIDTH < size ? begin + 64 * WIDTH : size;
        vec sums = {0}, products = {0};
        ivec counts = {0};
        for (int64_t i = begin; i < end; i += WIDTH) {
            const vec x = load_row(scores, i, end);
            ivec is_finite = x > -INFINITY;
            vec below = x - most;
            vec power = vexp(below);
            sums += power;
            products += (vec)(is_finite & (ivec)(power * below));
            counts -= is_finite;
        }
        total += sum(sums);
        weighted += sum(products);
        kept += sum(__builtin_convertvector(counts, vec));
    }
    figures[0] = most + log(total);
    figures[1] = log(total) - weighted / total;
    figures[2] = kept;
    return found;
}

/* The figures of rows of scores that begin apart from each other; ids, values and figures have a row
 * for each. Return whether all of ids were filled. */
int rows_figures(const float *scores, int64_t rows, int64_t apart, int64_t size, int count, int64_t *ids,
                 float *values, double *figures) {
    for (int64_t row = 0; row < rows; row++)
        if (row_figures(scores + row * apart, size, count, ids + row * count, values + row * count,
                        figures + 3 * row) < count)
            return 0;
    return 1;
}

#endif
