/* One matrix product of a step, shared by the threads: what is read in which order.
 *
 * Must never look at what a product is for.
 */
#ifndef LINEAR_H
#define LINEAR_H

#include "engine.h"
#include "products.h"
#include "tiles.h"

#define PORTION 65536 /* bytes of weights that a thread takes at a time, at least */
#define SPREAD 49152  /* bytes between the streams in which weights are read */
#define NEAR 1048576  /* bytes of a matrix that a cache close to the processor may hold */
#define TURNS 3       /* portions of a product that each thread can have, at least */

typedef struct {
    float *at; /* (lanes, outputs) */
    int adds, activates;
} target;

/* One product of a step: w with x, lanes of inputs. */
typedef struct {
    matrix w;
    const float *bias, *x;
    int lanes;
    int64_t outputs, inputs;
    target to;
} product;

/* Rows row, row + apart, … of one lane, before factors and what is added. */
INLINE void put(const product *p, const int rows, int64_t lane, int64_t row, int64_t apart, const float *out) {
    float *at = p->to.at + lane * p->outputs + row, total[4];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) total[r] = out[r];
    if (p->w.scale)
        for (int r = 0; r < rows; r++) total[r] *= p->w.scale[row + r * apart];
    if (p->bias)
        for (int r = 0; r < rows; r++) total[r] += p->bias[row + r * apart];
    if (p->to.adds)
        for (int r = 0; r < rows; r++) total[r] += at[r * apart];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) at[r * apart] = total[r];
}

/* Four rows, or one, whose weights stay in the first-level cache while all lanes meet them. Lanes are
 * floats, or with digits those. */
static void by_block(const product *p, int format, const packing *digits, int size, int64_t first, int64_t apart) {
    const int most = digits ? MOST_DIGIT_LANES : MOST_LANES;
    for (int lane = 0; lane < p->lanes;) {
        const int few = p->lanes - lane < most ? p->lanes - lane : most;
        const int rows = size == 4 && few > 6 ? 2 : size;
        for (int64_t row = first; row < first + size * apart; row += rows * apart) {
            float out[MOST_LANES * 4];
            if (digits) any_digit_block(few, rows, digits, lane, p->w.at, row, apart, out);
            else any_block(few, rows, format, p->x + lane * p->inputs, p->inputs, p->w.at, row, apart, p->inputs, out);
            for (int m = 0; m < few; m++)
                if (rows == 4) put(p, 4, lane + m, row, apart, out + 4 * m);
                else if (rows == 2) put(p, 2, lane + m, row, apart, out + 2 * m);
                else put(p, 1, lane + m, row, apart, out + m);
        }
        lane += few;
    }
}

/* Rows begin to end by vectors: in four streams of apart rows each, as far as they fill them. */
static void by_blocks(const product *p, int format, const packing *digits, int64_t apart, int64_t begin,
                      int64_t end) {
    for (; begin + 4 * apart <= end; begin += 4 * apart)
        for (int64_t row = begin; row < begin + apart; row++) by_block(p, format, digits, 4, row, apart);
    for (; begin + 4 <= end; begin += 4) by_block(p, format, digits, 4, begin, 1);
    for (; begin < end; begin++) by_block(p, format, digits, 1, begin, 1);
}

/* How many rows lie between two of four that are read together.
 *
 * The processor finds out what to fetch next where each stream of reading goes through pages of its
 * own. Neighbouring rows share a page, and a page that is read at two places seems to be read at
 * random: five lanes of float32 took 22.2 ms so, and take 16.6. */
static int64_t rows_apart(const product *p, int format, int threads) {
    const int64_t far = SPREAD / (p->inputs * bytes_of(format)), fair = p->outputs / (4 * TURNS * threads);
    const int64_t apart = far < fair ? far : fair;
    return apart > 1 && p->outputs * p->inputs * bytes_of(format) > NEAR ? apart : 1;
}

/* Rows begin to end by matrix tiles, as far as they fill tiles; return where the rest begins. */
static int64_t by_tiles(const product *p, int format, const packing *packed, int64_t begin, int64_t end) {
    for (; begin + TILE_ROWS <= end; begin += TILE_ROWS)
        for (int lane = 0; lane < p->lanes;) {
            float out[MOST_TILED_LANES * TILE_ROWS];
            const int few = multiply_tiles(format, packed, lane, p->w, begin, out);
            for (int m = 0; m < few; m++, lane++) {
                vec total = load(out + m * TILE_ROWS);
                float *at = p->to.at + lane * p->outputs + begin;
                if (p->bias) total += load(p->bias + begin);
                if (p->to.adds) total += load(at);
                store(at, total);
            }
        }
    return begin;
}

static void linear(engine *e, int index, int phase, product p) {
    const int format = e->model.format;
    const int is_tiled = e->model.uses_tiles && suits_tiles(format, p.inputs, p.lanes);
    const int64_t apart = rows_apart(&p, format, e->model.threads);
    const int64_t least = is_tiled ? TILE_ROWS : 4 * apart;
    int64_t portion = PORTION / (p.inputs * bytes_of(format)) / least * least;
    if (portion < least) portion = least;
    const int portions = (int)((p.outputs + portion - 1) / portion);
    packing *packed = &e->packed[index];
    const packing *digits = !is_tiled && suits_digits(format, p.inputs) ? packed : NULL;
    if (is_tiled) pack_lanes(packed, format, p.x, p.lanes, p.inputs);
    else if (digits) write_digits(packed, p.x, p.lanes, p.inputs);
    for (int taken; (taken = take(e, phase, portions)) >= 0;) {
        const int64_t begin = taken * portion;
        const int64_t end = begin + portion < p.outputs ? begin + portion : p.outputs;
        const int64_t rest = is_tiled ? by_tiles(&p, format, packed, begin, end) : begin;
        by_blocks(&p, format, digits, apart, rest, end);
        if (p.to.activates)
            for (int lane = 0; lane < p.lanes; lane++)
                activate(p.to.at + lane * p.outputs + begin, end - begin, e->model.activation);
    }
}

#endif
