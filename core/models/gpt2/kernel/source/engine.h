/* An engine: a model, the step that it runs now, and the threads that run it together.
 *
 * Must never compute: threads take portions of a phase, and wait for each other between phases.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "tiles.h"
#include "vectors.h"

typedef struct {
    const float *ln_1_weight, *ln_1_bias, *qkv_bias, *projection_bias;
    const float *ln_2_weight, *ln_2_bias, *up_bias, *down_bias;
    matrix qkv, projection, up, down;
    float attention_scale;
} layer;

/* Mirrored field by field in gpt2_native.py. */
typedef struct {
    int32_t layers, heads, embedding, inner, vocabulary, format, cache_format, activation, threads;
    int32_t uses_tiles, patience; /* nanoseconds for which threads look out for the next step */
    float epsilon;
    const layer *layer;
    const float *positions, *ln_f_weight, *ln_f_bias;
    matrix tokens, head;
} weights;

/* cache: (layers, 2, heads, capacity, slots, head size). Position p of
 * lane i lies in slot table[i * table_stride + p]; what lane i adds goes to slot[i], which a step
 * writes into the table. */
typedef struct {
    int32_t lanes, first_logits, capacity, slots;
    int64_t table_stride;
    const int64_t *token;
    const int32_t *position, *slot;
    int32_t *table;
    void *cache;
    float *logits; /* (lanes - first_logits, vocabulary) */
} step;

typedef struct {
    weights model;
    float *residual, *qkv, *mixed, *inner; /* (lanes, …), shared by the threads */
    float **normed, **score; /* one for each thread */
    packing *packed; /* one for each thread */
    atomic_int *taken; /* portions taken, for each phase of a step */
    int phases, lane_capacity, score_capacity;
    step now;
    pthread_t *thread;
    int started;
    pthread_mutex_t mutex;
    pthread_cond_t begun;
    atomic_int generation, arrived, passed, running;
    int ending;
} engine;

typedef struct {
    engine *engine;
    int index;
} seat;

INLINE void pause_briefly(int turns) {
    if (turns % 256 == 255) sched_yield(); /* another program may have the other processor */
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void barrier(engine *e) {
    const int threads = e->model.threads;
    if (threads == 1) return;
    const int round = atomic_load_explicit(&e->passed, memory_order_relaxed);
    if (atomic_fetch_add(&e->arrived, 1) == threads - 1) {
        atomic_store(&e->arrived, 0);
        atomic_store_explicit(&e->passed, round + 1, memory_order_release);
        return;
    }
    for (int turns = 0; atomic_load_explicit(&e->passed, memory_order_acquire) == round; turns++)
        pause_briefly(turns);
}

/* Return the next portion of a phase, or -1 when all are taken. */
INLINE int take(engine *e, int phase, int portions) {
    int portion = atomic_fetch_add_explicit(&e->taken[phase], 1, memory_order_relaxed);
    return portion < portions ? portion : -1;
}

#endif
