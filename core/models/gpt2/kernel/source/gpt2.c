/* One decoding step of a GPT-2 on the processor, and the figures of a row of logits.
 *
 * Decoding reads every weight once for a token, so this is written to stream weights: matrices lie
 * as (outputs, inputs), each row is read once for all lanes, and threads take rows in small
 * portions as they get ready. Activations are float32; weights are float32, bfloat16 or int8.
 *
 * A lane is one token to be run: a row of the batch, or one of several tokens of a prompt.
 * Must never allocate within a step, and never writes outside the buffers that it is given.
 * Plain C11 with the vector extensions of GCC and Clang: any processor, any width.
 */
#include "attention.h"
#include "engine.h"
#include "figures.h"
#include "linear.h"
#include "sampling.h"
#include "tiles.h"
#include "vectors.h"

/* ------------------------------------------------------------------------- phases of a step */

static void normalise(engine *e, const float *weight, const float *bias, int first, float *out) {
    const int64_t size = e->model.embedding;
    for (int lane = first; lane < e->now.lanes; lane++)
        layer_norm(e->residual + lane * size, weight, bias, e->model.epsilon, size, out + (lane - first) * size);
}

static void embed(engine *e) {
    const weights *model = &e->model;
    const int64_t size = model->embedding;
    for (int lane = 0; lane < e->now.lanes; lane++) {
        e->now.table[lane * e->now.table_stride + e->now.position[lane]] = e->now.slot[lane];
        const float scale = model->tokens.scale ? model->tokens.scale[e->now.token[lane]] : 1.0f;
        for (int64_t d = 0; d < size; d++)
            e->residual[lane * size + d] =
                weight_at(model->tokens.at, e->now.token[lane] * size + d, model->format) * scale +
                model->positions[e->now.position[lane] * size + d];
    }
}

/* What every thread does in a step. LayerNorm is done by all of them: cheaper than waiting. */
static void take_part(engine *e, int index) {
    const weights *model = &e->model;
    const int lanes = e->now.lanes, size = model->embedding;
    float *normed = e->normed[index];
    int phase = 0;
    if (model->uses_tiles) begin_tiles();
    for (int l = 0; l < model->layers; l++) {
        const layer *this = &model->layer[l];
        normalise(e, this->ln_1_weight, this->ln_1_bias, 0, normed);
        linear(e, index, phase++, (product){this->qkv, this->qkv_bias, normed, lanes, 3 * size, size, {e->qkv, 0, 0}});
        barrier(e);
        attention(e, phase++, l, e->score[index]);
        barrier(e);
        linear(e, index, phase++,
               (product){this->projection, this->projection_bias, e->mixed, lanes, size, size, {e->residual, 1, 0}});
        barrier(e);
        normalise(e, this->ln_2_weight, this->ln_2_bias, 0, normed);
        linear(e, index, phase++, (product){this->up, this->up_bias, normed, lanes, model->inner, size, {e->inner, 0, 1}});
        barrier(e);
        linear(e, index, phase++,
               (product){this->down, this->down_bias, e->inner, lanes, size, model->inner, {e->residual, 1, 0}});
        barrier(e);
    }
    const int last = lanes - e->now.first_logits;
    normalise(e, model->ln_f_weight, model->ln_f_bias, e->now.first_logits, normed);
    linear(e, index, phase, (product){model->head, NULL, normed, last, model->vocabulary, size, {e->now.logits, 0, 0}});
    if (model->uses_tiles) end_tiles();
    barrier(e);
}

/* Wait for the next step without sleeping, as long as the model has patience for. */
static void watch(engine *e, int generation) {
    struct timespec begun, now;
    if (!e->model.patience) return;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int turns = 1; atomic_load(&e->generation) == generation; turns++) {
        pause_briefly(turns);
        if (turns % 64) continue;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - begun.tv_sec) * 1000000000L + now.tv_nsec - begun.tv_nsec > e->model.patience) return;
    }
}

static void *work(void *argument) {
    seat mine = *(seat *)argument;
    free(argument);
    engine *e = mine.engine;
    for (int generation = 0;;) {
        watch(e, generation);
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
        if (e->packed) free(e->packed[i].at);
        if (e->packed) free(e->packed[i].unit);
        if (e->packed) free(e->packed[i].start);
    }
    free(e->packed);
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
    e->packed = calloc((size_t)model->threads, sizeof *e->packed);
    e->thread = calloc((size_t)model->threads, sizeof *e->thread);
    e->taken = calloc((size_t)e->phases, sizeof *e->taken);
    int failed = !e->normed || !e->score || !e->packed || !e->thread || !e->taken;
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

/* Room for lanes as tiles or digits; whole cache lines, so that a tile's row is one. */
static int make_packing_room(const weights *model, packing *p, int lanes) {
    const int64_t inputs = model->inner > model->embedding ? model->inner : model->embedding;
    free(p->at);
    free(p->start);
    p->at = aligned_alloc(64, (size_t)packed_bytes(model->format, lanes, inputs) + 64);
    p->start = malloc((size_t)lanes * DIGITS * WIDTH * sizeof *p->start);
    return p->at && p->start && resize(&p->unit, lanes);
}

static int make_room(engine *e, int lanes, int capacity) {
    int ok = 1;
    if (lanes > e->lane_capacity) {
        const int64_t size = e->model.embedding;
        ok = resize(&e->residual, lanes * size) && resize(&e->qkv, 3 * lanes * size) &&
             resize(&e->mixed, lanes * size) && resize(&e->inner, lanes * (int64_t)e->model.inner);
        for (int i = 0; i < e->model.threads && ok; i++)
            ok = resize(&e->normed[i], lanes * size) &&
                 ((!e->model.uses_tiles && e->model.format != INT8) ||
                  make_packing_room(&e->model, &e->packed[i], lanes));
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

/* Run one lane, then count - 1 times the likeliest token after it, of equal ones the first.
 *
 * now is the first step; logits has room for count rows, and chosen takes the likeliest token after
 * each. Its positions must be below its capacity. Return 0, or 1 without memory. */
int gpt2_run_on(engine *e, const step *first, int count, int64_t *chosen) {
    step now = *first;
    int64_t token = *first->token;
    int32_t position = *first->position;
    now.token = &token;
    now.position = &position;
    for (int i = 0; i < count; i++) {
        if (gpt2_step(e, &now)) return 1;
        token = likeliest(now.logits, e->model.vocabulary);
        chosen[i] = token;
        position++;
        now.logits += e->model.vocabulary;
    }
    return 0;
}
