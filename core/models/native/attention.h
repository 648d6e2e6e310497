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

/* The weighted mean of the values that one lane's query finds under one head. */
INLINE void attend(engine *e, const int format, int layer, int lane, int64_t head, float *score) {
    const weights *model = &e->model;
    const step *now = &e->now;
    const int64_t size = model->embedding / model->heads;
    const int64_t keys = cache_place(e, layer, 0, head, 0, 0);
    const int64_t values = cache_place(e, layer, 1, head, 0, 0);
    const int32_t *slot = now->table + lane * now->table_stride;
    const float *query = e->qkv + lane * 3 * (int64_t)model->embedding + head * size;
    float *out = e->mixed + lane * (int64_t)model->embedding + head * size;
    const float scale = model->layer[layer].attention_scale;
    const int length = now->position[lane] + 1;
    for (int first = 0; first < length; first += 4) {
        vec partial[4] = {{0}};
        int64_t at[4];
        for (int i = 0; i < 4; i++) {
            const int p = first + i < length ? first + i : length - 1;
            at[i] = keys + ((int64_t)p * now->slots + slot[p]) * size;
        }
        int64_t d = 0;
        for (; d + WIDTH <= size; d += WIDTH)
            for (int i = 0; i < 4; i++)
                partial[i] += load(query + d) * load_weights(now->cache, at[i] + d, format);
        store_sums(score + first, partial[0], partial[1], partial[2], partial[3]);
        for (; d < size; d++)
            for (int i = 0; i < 4; i++)
                score[first + i] += query[d] * weight_at(now->cache, at[i] + d, format);
    }
    float most = -INFINITY;
    for (int p = 0; p < length; p++) {
        score[p] *= scale;
        if (score[p] > most) most = score[p];
    }
    for (int p = length; p % WIDTH; p++) score[p] = -INFINITY;
    vec partial = {0};
    for (int p = 0; p < length; p += WIDTH) {
        vec weight = vexp(load(score + p) - most);
        store(score + p, weight);
        partial += weight;
    }
    const float share = 1.0f / sum(partial);
    memset(out, 0, (size_t)size * sizeof *out);
    for (int first = 0; first < length; first += 4) {
        float weight[4];
        int64_t at[4];
        for (int i = 0; i < 4; i++) { /* behind the end, the last one again with weight 0 */
            const int p = first + i < length ? first + i : length - 1;
            weight[i] = first + i < length ? score[p] * share : 0.0f;
            at[i] = values + ((int64_t)p * now->slots + slot[p]) * size;
        }
        int64_t d = 0;
        for (; d + WIDTH <= size; d += WIDTH) {
            vec total = load(out + d);
            for (int i = 0; i < 4; i++) total += weight[i] * load_weights(now->cache, at[i] + d, format);
            store(out + d, total);
        }
        for (; d < size; d++)
            for (int i = 0; i < 4; i++) out[d] += weight[i] * weight_at(now->cache, at[i] + d, format);
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
