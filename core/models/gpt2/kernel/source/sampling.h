/* Sampling from a row of scores: the cut of a nucleus, and the race that draws a token.
 *
 * Must never guess: what rounding could decide otherwise than torch does is left to torch.
 */
#ifndef SAMPLING_H
#define SAMPLING_H

#include "figures.h"
#include "twister.h"
#include "vectors.h"

#define MARGIN 1e-5 /* sums and quotients differ from torch's by at most some 1e-6 */
#define BINS 256
#define BINS_PER_NAT 8.0f
#define MOST_IN_A_BIN 512

/* By falling score; equal scores are always of one bin. */
INLINE ivec bins(vec scores, float most) {
    vec place = (most - scores) * BINS_PER_NAT;
    ivec is_last = place > (float)(BINS - 1);
    return (is_last & (BINS - 1)) | (~is_last & __builtin_convertvector((vec)(~is_last & (ivec)place), ivec));
}

/* Scores by bin: how many, and the sum of their powers. */
typedef struct {
    double held[BINS];
    int32_t count[BINS];
} histogram;

static void fill(histogram *h, const float *scores, int64_t size, float most) {
    memset(h, 0, sizeof *h);
    for (int64_t begin = 0; begin < size; begin += WIDTH) {
        const vec x = load_row(scores, begin, size), power = vexp(x - most);
        const ivec bin = bins(x, most);
        for (int i = 0; i < WIDTH && begin + i < size; i++) {
            h->held[bin[i]] += power[i];
            h->count[bin[i]]++;
        }
    }
}

/* The scores of one bin, falling; return how many. */
static int sorted_bin(int bin, const float *scores, int64_t size, float most, float *sorted) {
    int found = 0;
    for (int64_t begin = 0; begin < size; begin += WIDTH) {
        const vec x = load_row(scores, begin, size);
        const ivec is_inside = bins(x, most) == bin;
        if (!any_of(is_inside)) continue;
        for (int i = 0; i < WIDTH; i++) {
            if (!is_inside[i]) continue;
            int place = found++;
            for (; place > 0 && sorted[place - 1] < x[i]; place--) sorted[place] = sorted[place - 1];
            sorted[place] = x[i];
        }
    }
    return found;
}

/* The least score of the nucleus of one row, or minus infinity where it is too close to tell.
 *
 * scores are those above a bound below which none can be in it. They are added up by bin; only the
 * bin in which the sum reaches share is sorted. */
static float nucleus_bound(const float *scores, int64_t size, float most, double logsumexp, double share,
                           int64_t keep) {
    histogram h;
    float inside[MOST_IN_A_BIN];
    fill(&h, scores, size, most);
    const double scale = exp(most - logsumexp);
    double likelier = 0.0;
    int64_t left = 0;
    int last = 0;
    for (; last < BINS - 1; last++) {
        if (left + h.count[last] >= keep && likelier + h.held[last] * scale > share) break;
        likelier += h.held[last] * scale;
        left += h.count[last];
    }
    if (last == BINS - 1 || h.count[last] > MOST_IN_A_BIN) return -INFINITY;
    const int found = sorted_bin(last, scores, size, most, inside);
    int taken = 0;
    for (;; taken++, left++) {
        if (left >= keep && fabs(likelier - share) < MARGIN) return -INFINITY;
        if (taken == found || (left >= keep && likelier > share)) break;
        likelier += exp((double)inside[taken] - logsumexp);
    }
    const int is_tied = taken > 0 && taken < found && inside[taken] == inside[taken - 1];
    return taken > 0 && likelier > share && !is_tied ? inside[taken - 1] : -INFINITY;
}

/* One row of scores with minus infinity outside its nucleus, in out.
 *
 * A token stays while the likelier ones hold less than share, and keep stay in any case. most and
 * logsumexp are the row's, from row_figures. Return the least score that stays, and the figures of
 * out; minus infinity, and nothing that counts, where it is too close to tell. */
float cut_nucleus(const float *scores, int64_t size, float most, double logsumexp, double share, int64_t keep,
                  float *out, double *figures) {
    if (!(fabs(logsumexp) < INFINITY)) return -INFINITY;
    /* All tokens below this one together are less than what share leaves out. */
    const float floor = (float)(logsumexp + log((1.0 - share) * 0.99 / (double)size));
    int64_t near = 0;
    for (int64_t begin = 0; begin < size; begin += WIDTH) {
        if (!any_of(load_row(scores, begin, size) > floor)) continue;
        for (int64_t i = begin; i < begin + WIDTH && i < size; i++) {
            out[near] = scores[i]; /* never beyond what was read */
            near += scores[i] > floor;
        }
    }
    const float least = nucleus_bound(out, near, most, logsumexp, share, keep);
    if (least == -INFINITY) return least;
    for (int64_t begin = 0; begin < size; begin += WIDTH) {
        vec x = load_row(scores, begin, size);
        const ivec stays = x >= least;
        x = (vec)((stays & (ivec)x) | (~stays & (ivec)((vec){0} - INFINITY)));
        memcpy(out + begin, &x, (size_t)(begin + WIDTH <= size ? WIDTH : size - begin) * sizeof(float));
    }
    int64_t id;
    float value;
    row_figures(out, size, 1, &id, &value, figures);
    return least;
}

/* The token that torch.multinomial draws from the softmax of one row, whose greatest score is most.
 *
 * Each token divides its probability by an exponential draw, and the largest wins. state is the
 * generator's, bytes of them, as torch tells it; it comes back as torch would leave it. Return -1, and leave state
 * alone, where two are too close to tell. */
int64_t race(const float *scores, int64_t size, float most, void *state, int64_t bytes) {
    twister numbers;
    if (!(fabsf(most) < INFINITY) || !open_twister(&numbers, state, bytes)) return -1;
    double best = 0.0, second = 0.0;
    int64_t winner = -1;
    for (int64_t begin = 0; begin < size; begin += WIDTH) {
        const vec x = load_row(scores, begin, size);
        if (!any_of(x > -INFINITY)) continue;
        const vec power = vexp(x - most);
        for (int i = 0; i < WIDTH; i++) {
            if (!(x[i] > -INFINITY)) continue;
            const double uniform = uniform_at(&numbers, begin + i);
            /* The draw is no less than uniform: most tokens are far behind without a logarithm. */
            if (power[i] < best * (1.0 - 2.0 * MARGIN) * uniform) continue;
            const double rate = power[i] / -log1p(-uniform);
            if (rate > best) {
                second = best;
                best = rate;
                winner = begin + i;
            } else if (rate > second) second = rate;
        }
    }
    if (!(second < best * (1.0 - MARGIN)) || !(best < INFINITY)) return -1;
    close_twister(&numbers, size, state);
    return winner;
}

#endif
