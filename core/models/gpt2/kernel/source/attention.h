/* Attention of the lanes of a step over the key-value cache, head by head. */
#ifndef ATTENTION_H
#define ATTENTION_H

#include "engine.h"

/* Where the cache has a head's keys (or values) of one position. */
INLINE int64_t cache_place(const engine *e, int layer, int values, int64_t head, int position, int slot) {
    const step *now = &e->now;
    const int64_t block = ((int64_t)layer * 2 + values) * e->model.heads + head;
    return ((block * now->capacity + position) * now->slots + slot) * (e->model.embedding / e->model.heads);
}

static void remember(engine *e, int layer, int lane, int64_t head) {
    const weights *model = &e->model;
    const step *now = &e->now;
    const int64_t size = model->embedding / model->heads;
    for (int values = 0; values < 2; values++) {
        const float *from = e->qkv + (lane * 3 + 1 + values) * (int64_t)model->embedding + head * size;
        const int64_t at = cache_place(e, layer, values, head, now->position[lane], now->slot[lane]);
        if (model->cache_format == BFLOAT16)
            for (int64_t d = 0; d < size; d++) ((uint16_t *)now->cache)[at + d] = to_bfloat16(from[d]);
        else memcpy((float *)now->cache + at, from, (size_t)size * sizeof *from);
    }
}

/* One head's keys, or its values, as one lane finds them. */
typedef struct {
    const void *cache;
    const int32_t *slot;
    int64_t first, slots, size;
    int length;
} column;

/* Where the part from d on of position p lies; behind the end, that of the last one. */
INLINE int64_t part_at(const column *c, int p, int64_t d) {
    const int64_t position = p < c->length ? p : c->length - 1;
    return c->first + (position * c->slots + c->slot[position]) * c->size + d;
}

/* Add to score what the query has in common with count vectors of each key, from d on. */
INLINE void add_products(const column *keys, const int format, const int count, int64_t d, const float *query,
                         float *score) {
    vec part[4];
#pragma GCC unroll 4
    for (int k = 0; k < count; k++) part[k] = load(query + d + k * WIDTH);
    for (int first = 0; first < keys->length; first += 8) {
        vec partial[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            const int64_t at = part_at(keys, first + i, d);
            partial[i] = part[0] * load_weights(keys->cache, at, format);
#pragma GCC unroll 4
            for (int k = 1; k < count; k++)
                partial[i] += part[k] * load_weights(keys->cache, at + k * WIDTH, format);
        }
        float sums[8];
        store_sums(sums, partial[0], partial[1], partial[2], partial[3]);
        store_sums(sums + 4, partial[4], partial[5], partial[6], partial[7]);
        for (int i = 0; i < 8; i++) score[first + i] += sums[i];
    }
}

/* The sum of count vectors of each value, from d on, by weight, times share; behind the end it is 0. */
INLINE void add_up(const column *values, const int format, const int count, int64_t d, const float *weight,
                   float share, float *out) {
    vec total[4][4]; /* four sums beside each other: none waits for the last one */
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (int k = 0; k < count; k++) total[i][k] = (vec){0};
    for (int first = 0; first < values->length; first += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            const int64_t at = part_at(values, first + i, d);
#pragma GCC unroll 4
            for (int k = 0; k < count; k++)
                total[i][k] += weight[first + i] * load_weights(values->cache, at + k * WIDTH, format);
        }
#pragma GCC unroll 4
    for (int k = 0; k < count; k++)
        store(out + d + k * WIDTH, ((total[0][k] + total[1][k]) + (total[2][k] + total[3][k])) * share);
}

/* Scores to weights, before they are divided by their sum; behind the end 0. Return that sum. */
INLINE float weigh(float *score, int length, float scale) {
    for (int p = length; p % WIDTH; p++) score[p] = -INFINITY;
    vec greatest = (vec){0} - INFINITY, partial = {0};
    for (int p = 0; p < length; p += WIDTH) {
        const vec now = load(score + p) * scale;
        const ivec is_above = now > greatest;
        greatest = (vec)((is_above & (ivec)now) | (~is_above & (ivec)greatest));
    }
    float most = -INFINITY;
    for (int i = 0; i < WIDTH; i++)
        if (greatest[i] > most) most = greatest[i];
    for (int p = 0; p < length; p += WIDTH) {
        vec weight = vexp(load(score + p) * scale - most);
        store(score + p, weight);
        partial += weight;
    }
    return sum(partial);
}

/* The weighted mean of the values that one lane's query finds under one head. */
INLINE void attend(engine *e, const int format, int layer, int lane, int64_t head, float *score) {
    const weights *model = &e->model;
    const step *now = &e->now;
    const int64_t size = model->embedding / model->heads;
    const float *query = e->qkv + lane * 3 * (int64_t)model->embedding + head * size;
    float *out = e->mixed + lane * (int64_t)model->embedding + head * size;
    const int length = now->position[lane] + 1;
    const column keys = {now->cache, now->table + lane * now->table_stride,
                         cache_place(e, layer, 0, head, 0, 0), now->slots, size, length};
    column values = keys;
    values.first = cache_place(e, layer, 1, head, 0, 0);
    memset(score, 0, (size_t)(length + WIDTH) * sizeof *score);
    /* By parts of four vectors, then by one of two and one of one, then number by number. */
    const int64_t fours = size / (4 * WIDTH) * (4 * WIDTH), twos = size / (2 * WIDTH) * (2 * WIDTH);
    const int64_t ones = size / WIDTH * WIDTH;
    for (int64_t d = 0; d < fours; d += 4 * WIDTH) add_products(&keys, format, 4, d, query, score);
    if (fours < twos) add_products(&keys, format, 2, fours, query, score);
    if (twos < ones) add_products(&keys, format, 1, twos, query, score);
    for (int64_t d = ones; d < size; d++)
        for (int p = 0; p < length; p++) score[p] += query[d] * weight_at(now->cache, part_at(&keys, p, d), format);
    const float share = 1.0f / weigh(score, length, model->layer[layer].attention_scale);
    for (int64_t d = 0; d < fours; d += 4 * WIDTH) add_up(&values, format, 4, d, score, share, out);
    if (fours < twos) add_up(&values, format, 2, fours, score, share, out);
    if (twos < ones) add_up(&values, format, 1, twos, score, share, out);
    for (int64_t d = ones; d < size; d++) {
        float total = 0.0f;
        for (int p = 0; p < length; p++) total += score[p] * weight_at(now->cache, part_at(&values, p, d), format);
        out[d] = total * share;
    }
}

static void attention(engine *e, int phase, int layer, float *score) {
    for (int head; (head = take(e, phase, e->model.heads)) >= 0;) {
        for (int lane = 0; lane < e->now.lanes; lane++) remember(e, layer, lane, head);
        for (int lane = 0; lane < e->now.lanes; lane++) /* lanes share what the cache has of a head */
            if (e->model.cache_format == BFLOAT16) attend(e, BFLOAT16, layer, lane, head, score);
            else attend(e, FLOAT32, layer, lane, head, score);
    }
}

#endif
