/* One decoding step of a GPT-2 on the processor, and the figures of a row of logits.
 *
 * Decoding reads every weight once for a token, so this is written to stream weights: matrices lie
 * as (outputs, inputs), each row is read once for all lanes, and threads take rows in small
 * portions as they get ready. Activations are float32; weights are float32 or bfloat16.
 *
 * A lane is one token to be run: a row of the batch, or one of several tokens of a prompt.
 * Must never allocate within a step, and never writes outside the buffers that it is given.
 * Plain C11 with the vector extensions of GCC and Clang: any processor, any width.
 */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define WIDTH 16 /* floats in a vector; the compiler splits it where registers are narrower */


#define PORTION 65536 /* bytes of weights that a thread takes at a time */
#define MOST_LANES 8 /* lanes that share one reading of a weight from memory to registers */

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef float vec8 __attribute__((vector_size(32)));
typedef float vec4 __attribute__((vector_size(16)));
typedef int32_t ivec __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t uvec __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t hvec __attribute__((vector_size(2 * WIDTH)));

enum activation { GELU_TANH, GELU_ERF, RELU };

typedef struct {
    const float *ln_1_weight, *ln_1_bias, *qkv_bias, *projection_bias;
    const float *ln_2_weight, *ln_2_bias, *up_bias, *down_bias;
    const void *qkv, *projection, *up, *down;
    float attention_scale;
} layer;

/* Mirrored field by field in gpt2_native.py. */
typedef struct {
    int32_t layers, heads, embedding, inner, vocabulary, is_bfloat16, activation, threads;
    float epsilon;
    const layer *layer;
    const float *positions, *ln_f_weight, *ln_f_bias;
    const void *tokens, *head;
} weights;

/* cache: (layers, 2, heads, capacity, slots, head size) in the dtype of the weights. Position p of
 * lane i lies in slot table[i * table_stride + p]; what lane i adds goes to slot[i]. */
typedef struct {
    int32_t lanes, first_logits, capacity, slots;
    int64_t table_stride;
    const int64_t *token;
    const int32_t *position, *slot, *table;
    void *cache;
    float *logits; /* (lanes - first_logits, vocabulary) */
} step;

typedef struct {
    weights model;
    float *residual, *qkv, *mixed, *inner; /* (lanes, …), shared by the threads */
    float **normed, **score; /* one for each thread */
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

/* ------------------------------------------------------------------------------ arithmetic */

INLINE vec load(const float *at) {
    vec v;
    memcpy(&v, at, sizeof v);
    return v;
}

INLINE void store(float *at, vec v) { memcpy(at, &v, sizeof v); }

INLINE float as_float(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

INLINE float weight_at(const void *w, int64_t i, const int is_bfloat16) {
    return is_bfloat16 ? as_float((uint32_t)((const uint16_t *)w)[i] << 16) : ((const float *)w)[i];
}

INLINE vec load_weights(const void *w, int64_t i, const int is_bfloat16) {
    if (!is_bfloat16) return load((const float *)w + i);
#if defined(__AVX512F__) /* one instruction, where the general form becomes four */
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)((const uint16_t *)w + i)));
    return (vec)_mm512_slli_epi32(wide, 16);
#else
    hvec half;
    memcpy(&half, (const uint16_t *)w + i, sizeof half);
    return (vec)(__builtin_convertvector(half, uvec) << 16);
#endif
}

INLINE uint16_t to_bfloat16(float value) { /* to nearest, ties to even, as torch rounds */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

INLINE vec4 quarter(vec v) {
    union { vec whole; vec8 half[2]; } sixteen = {v};
    union { vec8 whole; vec4 half[2]; } eight = {sixteen.half[0] + sixteen.half[1]};
    return eight.half[0] + eight.half[1];
}

INLINE float sum(vec v) {
    vec4 four = quarter(v);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* The sums of four vectors, in fewer steps than four times one. */
INLINE void store_sums(float *at, vec v0, vec v1, vec v2, vec v3) {
    vec4 a = quarter(v0), b = quarter(v1), c = quarter(v2), d = quarter(v3);
    vec4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    vec4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    vec4 abcd = __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    memcpy(at, &abcd, sizeof abcd);
}

/* exp within 2 units in the last place; 0 below -87. */
INLINE vec vexp(vec x) {
    ivec low = x < -87.0f, high = x > 88.0f;
    x = (vec)((~low & (ivec)x) | (low & (ivec)(vec){0} ));
    x = (vec)((~high & (ivec)x) | (high & (ivec)((vec){0} + 88.0f)));
    vec scaled = x * 1.44269504f;
    ivec whole = __builtin_convertvector(scaled + (vec)(((ivec)scaled & (int32_t)0x80000000) |
                                                        (ivec)((vec){0} + 0.5f)), ivec);
    vec n = __builtin_convertvector(whole, vec);
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = 1.9875691500e-4f * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    vec power = (vec)((whole + 127) << 23);
    return (vec)(~low & (ivec)(p * power));
}

INLINE vec gelu_tanh(vec x) {
    vec inside = 0.7978845608f * (x + 0.044715f * x * x * x);
    /* tanh(y) = 1 - 2 / (exp(2y) + 1) */
    return 0.5f * x * (2.0f - 2.0f / (vexp(2.0f * inside) + 1.0f));
}

static void activate(float *x, int64_t count, int kind) {
    int64_t i = 0;
    if (kind == GELU_TANH) {
        for (; i + WIDTH <= count; i += WIDTH) store(x + i, gelu_tanh(load(x + i)));
        for (; i < count; i++)
            x[i] = 0.5f * x[i] * (1.0f + tanhf(0.7978845608f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
    } else if (kind == GELU_ERF) {
        for (; i < count; i++) x[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678f));
    } else {
        for (; i < count; i++) x[i] = x[i] > 0.0f ? x[i] : 0.0f;
    }
}

static void layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       int64_t size, float *out) {
    vec partial = {0};
    int64_t i = 0;
    for (; i + WIDTH <= size; i += WIDTH) partial += load(x + i);
    float total = sum(partial);
    for (; i < size; i++) total += x[i];
    const float mean = total / (float)size;
    partial = (vec){0};
    for (i = 0; i + WIDTH <= size; i += WIDTH) {
        vec centred = load(x + i) - mean;
        partial += centred * centred;
    }
    total = sum(partial);
    for (; i < size; i++) total += (x[i] - mean) * (x[i] - mean);
    const float scale = 1.0f / sqrtf(total / (float)size + epsilon);
    for (i = 0; i + WIDTH <= size; i += WIDTH)
        store(out + i, (load(x + i) - mean) * scale * load(weight + i) + load(bias + i));
    for (; i < size; i++) out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

/* out[m * rows + r] = the product of x's lane m and row r of w. lanes and rows are constants. */
INLINE void tile(const int lanes, const int rows, const int is_bfloat16, const float *x, int64_t x_stride,
                 const void *w, int64_t first, int64_t size, float *out) {
    /* Long rows are found early by the processor itself, and asking then costs time. */
    const int asks_ahead = is_bfloat16 || size < 512 || lanes > 1, bytes = is_bfloat16 ? 2 : 4;
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
            row[r] = load_weights(w, (first + r) * size + k, is_bfloat16);
            if (asks_ahead) __builtin_prefetch((const char *)w + ((first + r + 4) * size + k) * bytes);
        }
#pragma GCC unroll 8
        for (int m = 0; m < lanes; m++) {
            vec input = load(x + m * x_stride + k);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) total[m][r] += input * row[r];
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < lanes; m++)
        if (rows == 4) store_sums(out + 4 * m, total[m][0], total[m][1], total[m][2], total[m][3]);
        else
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) out[m * rows + r] = sum(total[m][r]);
    for (; k < size; k++)
        for (int m = 0; m < lanes; m++)
            for (int r = 0; r < rows; r++)
                out[m * rows + r] += x[m * x_stride + k] * weight_at(w, (first + r) * size + k, is_bfloat16);
}

#define TILE(lanes, rows) \
    case lanes * 8 + rows: \
        if (is_bfloat16) tile(lanes, rows, 1, x, x_stride, w, first, size, out); \
        else tile(lanes, rows, 0, x, x_stride, w, first, size, out); \
        break;

static void any_tile(int lanes, int rows, int is_bfloat16, const float *x, int64_t x_stride, const void *w,
                     int64_t first, int64_t size, float *out) {
    switch (lanes * 8 + rows) {
        TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(5, 4) TILE(6, 4) TILE(7, 2) TILE(8, 2)
        TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
    }
}

/* --------------------------------------------------------------------------------- threads */

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

/* ------------------------------------------------------------------------- phases of a step */

typedef struct {
    float *at; /* (lanes, outputs) */
    int adds, activates;
} target;

static void linear(engine *e, int phase, const void *w, const float *bias, const float *x, int lanes,
                   int64_t outputs, int64_t inputs, target to) {
    const int is_bfloat16 = e->model.is_bfloat16;
    int64_t portion = PORTION / (inputs * (is_bfloat16 ? 2 : 4)) / 4 * 4;
    if (portion < 4) portion = 4;
    const int portions = (int)((outputs + portion - 1) / portion);
    for (int taken; (taken = take(e, phase, portions)) >= 0;) {
        const int64_t begin = taken * portion;
        const int64_t end = begin + portion < outputs ? begin + portion : outputs;
        for (int64_t n = begin; n < end;) {
            const int block = n + 4 <= end ? 4 : 1; /* its weights stay in the first-level cache */
            for (int lane = 0; lane < lanes;) {
                const int few = lanes - lane < MOST_LANES ? lanes - lane : MOST_LANES;
                const int rows = block == 4 && few > 6 ? 2 : block;
                for (int64_t row = n; row < n + block; row += rows) {
                    float out[MOST_LANES * 4];
                    any_tile(few, rows, is_bfloat16, x + lane * inputs, inputs, w, row, inputs, out);
                    for (int m = 0; m < few; m++) {
                        float *at = to.at + (lane + m) * outputs + row;
                        for (int r = 0; r < rows; r++)
                            at[r] = out[m * rows + r] + (bias ? bias[row + r] : 0.0f) + (to.adds ? at[r] : 0.0f);
                    }
                }
                lane += few;
            }
            n += block;
        }
        if (to.activates)
            for (int lane = 0; lane < lanes; lane++)
                activate(to.at + lane * outputs + begin, end - begin, e->model.activation);
    }
}

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
        if (model->is_bfloat16)
            for (int64_t d = 0; d < size; d++) ((uint16_t *)now->cache)[at + d] = to_bfloat16(from[d]);
        else memcpy((float *)now->cache + at, from, (size_t)size * sizeof *from);
    }
}

/* The weighted mean of the values that one lane's query finds under one head. */
INLINE void attend(engine *e, const int is_bfloat16, int layer, int lane, int64_t head, float *score) {
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
            at[i] = keys + ((int64_t)p * now->slots + (p + 1 < length ? slot[p] : now->slot[lane])) * size;
        }
        int64_t d = 0;
        for (; d + WIDTH <= size; d += WIDTH)
            for (int i = 0; i < 4; i++)
                partial[i] += load(query + d) * load_weights(now->cache, at[i] + d, is_bfloat16);
        store_sums(score + first, partial[0], partial[1], partial[2], partial[3]);
        for (; d < size; d++)
            for (int i = 0; i < 4; i++)
                score[first + i] += query[d] * weight_at(now->cache, at[i] + d, is_bfloat16);
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
            at[i] = values + ((int64_t)p * now->slots + (p + 1 < length ? slot[p] : now->slot[lane])) * size;
        }
        int64_t d = 0;
        for (; d + WIDTH <= size; d += WIDTH) {
            vec total = load(out + d);
            for (int i = 0; i < 4; i++) total += weight[i] * load_weights(now->cache, at[i] + d, is_bfloat16);
            store(out + d, total);
        }
        for (; d < size; d++)
            for (int i = 0; i < 4; i++) out[d] += weight[i] * weight_at(now->cache, at[i] + d, is_bfloat16);
    }
}

static void attention(engine *e, int phase, int layer, float *score) {
    for (int head; (head = take(e, phase, e->model.heads)) >= 0;) {
        for (int lane = 0; lane < e->now.lanes; lane++) remember(e, layer, lane, head);
        for (int lane = 0; lane < e->now.lanes; lane++) /* lanes share what the cache has of a head */
            if (e->model.is_bfloat16) attend(e, 1, layer, lane, head, score);
            else attend(e, 0, layer, lane, head, score);
    }
}

static void normalise(engine *e, const float *weight, const float *bias, int first, float *out) {
    const int64_t size = e->model.embedding;
    for (int lane = first; lane < e->now.lanes; lane++)
        layer_norm(e->residual + lane * size, weight, bias, e->model.epsilon, size, out + (lane - first) * size);
}

static void embed(engine *e) {
    const weights *model = &e->model;
    const int64_t size = model->embedding;
    for (int lane = 0; lane < e->now.lanes; lane++)
        for (int64_t d = 0; d < size; d++)
            e->residual[lane * size + d] =
                weight_at(model->tokens, e->now.token[lane] * size + d, model->is_bfloat16) +
                model->positions[e->now.position[lane] * size + d];
}

/* What every thread does in a step. LayerNorm is done by all of them: cheaper than waiting. */
static void take_part(engine *e, int index) {
    const weights *model = &e->model;
    const int lanes = e->now.lanes, size = model->embedding;
    float *normed = e->normed[index];
    int phase = 0;
    for (int l = 0; l < model->layers; l++) {
        const layer *this = &model->layer[l];
        normalise(e, this->ln_1_weight, this->ln_1_bias, 0, normed);
        linear(e, phase++, this->qkv, this->qkv_bias, normed, lanes, 3 * size, size, (target){e->qkv, 0, 0});
        barrier(e);
        attention(e, phase++, l, e->score[index]);
        barrier(e);
        linear(e, phase++, this->projection, this->projection_bias, e->mixed, lanes, size, size,
               (target){e->residual, 1, 0});
        barrier(e);
        normalise(e, this->ln_2_weight, this->ln_2_bias, 0, normed);
        linear(e, phase++, this->up, this->up_bias, normed, lanes, model->inner, size, (target){e->inner, 0, 1});
        barrier(e);
        linear(e, phase++, this->down, this->down_bias, e->inner, lanes, size, model->inner,
               (target){e->residual, 1, 0});
        barrier(e);
    }
    normalise(e, model->ln_f_weight, model->ln_f_bias, e->now.first_logits, normed);
    linear(e, phase, model->head, NULL, normed, lanes - e->now.first_logits, model->vocabulary, size,
           (target){e->now.logits, 0, 0});
    barrier(e);
}

static void *work(void *argument) {
    seat mine = *(seat *)argument;
    free(argument);
    engine *e = mine.engine;
    for (int generation = 0;;) {
        pthread_mutex_lock(&e->mutex);
        while (atomic_load(&e->generation) == generation && !e->ending) pthread_cond_wait(&e->begun, &e->mutex);
        const int ending = e->ending;
        pthread_mutex_unlock(&e->mutex);
        if (ending) return NULL;
        generation++;
        take_part(e, mine.index);
    }
}

/* -------------------------------------------------------------------------------- interface */

void gpt2_close(engine *e) {
    pthread_mutex_lock(&e->mutex);
    e->ending = 1;
    pthread_cond_broadcast(&e->begun);
    pthread_mutex_unlock(&e->mutex);
    for (int i = 0; i < e->started; i++) pthread_join(e->thread[i], NULL);
    pthread_mutex_destroy(&e->mutex);
    pthread_cond_destroy(&e->begun);
    for (int i = 0; i < e->model.threads; i++) {
        if (e->normed) free(e->normed[i]);
        if (e->score) free(e->score[i]);
    }
    free(e->normed);
    free(e->score);
    free(e->residual);
    free(e->qkv);
    free(e->mixed);
    free(e->inner);
    free(e->taken);
    free(e->thread);
    free(e);
}

/* Return an engine over weights that must outlive it, or NULL where memory or threads lack. */
engine *gpt2_open(const weights *model) {
    engine *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->model = *model;
    e->phases = 5 * model->layers + 1;
    pthread_mutex_init(&e->mutex, NULL);
    pthread_cond_init(&e->begun, NULL);
    e->normed = calloc((size_t)model->threads, sizeof *e->normed);
    e->score = calloc((size_t)model->threads, sizeof *e->score);
    e->thread = calloc((size_t)model->threads, sizeof *e->thread);
    e->taken = calloc((size_t)e->phases, sizeof *e->taken);
    int failed = !e->normed || !e->score || !e->thread || !e->taken;
    for (int i = 1; i < model->threads && !failed; i++) {
        seat *mine = malloc(sizeof *mine);
        if (mine) *mine = (seat){e, i};
        failed = !mine || pthread_create(&e->thread[i - 1], NULL, work, mine) != 0;
        if (failed) free(mine);
        else e->started = i;
    }
    if (!failed) return e;
    gpt2_close(e);
    return NULL;
}

static int resize(float **buffer, int64_t count) {
    float *larger = realloc(*buffer, (size_t)count * sizeof **buffer);
    if (larger) *buffer = larger;
    return larger != NULL;
}

static int make_room(engine *e, int lanes, int capacity) {
    int ok = 1;
    if (lanes > e->lane_capacity) {
        const int64_t size = e->model.embedding;
        ok = resize(&e->residual, lanes * size) && resize(&e->qkv, 3 * lanes * size) &&
             resize(&e->mixed, lanes * size) && resize(&e->inner, lanes * (int64_t)e->model.inner);
        for (int i = 0; i < e->model.threads && ok; i++) ok = resize(&e->normed[i], lanes * size);
        if (ok) e->lane_capacity = lanes;
    }
    if (ok && capacity > e->score_capacity) {
        for (int i = 0; i < e->model.threads && ok; i++) ok = resize(&e->score[i], capacity + WIDTH);
        if (ok) e->score_capacity = capacity;
    }
    return ok;
}

/* Run the lanes of now; their positions must be below its capacity. Return 0, or 1 without memory. */
int gpt2_step(engine *e, const step *now) {
    if (!make_room(e, now->lanes, now->capacity)) return 1;
    e->now = *now;
    for (int i = 0; i < e->phases; i++) atomic_store_explicit(&e->taken[i], 0, memory_order_relaxed);
    embed(e);
    if (e->model.threads > 1) {
        pthread_mutex_lock(&e->mutex);
        atomic_fetch_add(&e->generation, 1);
        pthread_cond_broadcast(&e->begun);
        pthread_mutex_unlock(&e->mutex);
    }
    take_part(e, 0);
    return 0;
}

/* The figures of one row of scores.
 *
 * ids and values take its count largest, largest first, of equal ones the first; figures takes the
 * logarithm of the sum of exponentials, the entropy in nats, and how many are above minus infinity.
 * Return how many of ids were filled: fewer than count where scores are few, or not a number. */
int row_figures(const float *scores, int64_t size, int count, int64_t *ids, float *values, double *figures) {
    int found = 0;
    float least = -INFINITY;
    for (int64_t begin = 0; begin < size; begin += 4 * WIDTH) {
        const int64_t end = begin + 4 * WIDTH < size ? begin + 4 * WIDTH : size;
        if (found == count && end - begin == 4 * WIDTH) {
            ivec above = (load(scores + begin) > least) | (load(scores + begin + WIDTH) > least) |
                         (load(scores + begin + 2 * WIDTH) > least) | (load(scores + begin + 3 * WIDTH) > least);
            int64_t any[WIDTH / 2], seen = 0;
            memcpy(any, &above, sizeof any);
            for (int i = 0; i < WIDTH / 2; i++) seen |= any[i];
            if (!seen) continue;
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
        int64_t i = begin;
        for (; i < end; i += WIDTH) {
            vec x;
            if (i + WIDTH <= end) x = load(scores + i);
            else {
                x = (vec){0} - INFINITY;
                memcpy(&x, scores + i, (size_t)(end - i) * sizeof(float));
            }
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
