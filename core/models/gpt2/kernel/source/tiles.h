/* Products of weights with several lanes by a processor's matrix tiles (AMX), where it has them.
 *
 * A tile of weights, 16 rows of 64 bytes as they lie in memory, meets a tile of 16 columns of
 * activations. Those are as exact as in float32: a bfloat16 weight meets each float as the sum of
 * two bfloat16 numbers, an int8 weight as three digits of 8 bits below the lane's largest float.
 * Must never be used by a thread that has not called begin_tiles, nor where may_use_tiles is 0.
 */
#ifndef TILES_H
#define TILES_H

#include "digits.h"

#define TILE_ROWS 16
#define TILE_BYTES 1024
#define MOST_GROUPS 6 /* tiles of activations that meet one reading of the weights */
#define MOST_TILED_LANES (8 * MOST_GROUPS)

INLINE int lanes_of_group(const int format) { return format == INT8 ? 5 : 8; }

INLINE int64_t group_bytes(const int format, int64_t inputs) {
    return inputs * bytes_of(format) / 64 * TILE_BYTES;
}

INLINE int64_t packed_bytes(const int format, int lanes, int64_t inputs) {
    const int each = lanes_of_group(format);
    return (lanes + each - 1) / each * group_bytes(format, inputs);
}

#if defined(__linux__) && defined(__AMX_BF16__) && defined(__AMX_INT8__) && defined(__AVX512BF16__) && \
    defined(__AVX512VNNI__) && defined(__AVX512BW__)
#include <sys/syscall.h>
#include <unistd.h>

#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define TILE_DATA 18              /* XFEATURE_XTILEDATA */

/* Ask the system for the tiles, for the whole process; return whether it gives them. */
int may_use_tiles(void) { return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0; }

static void begin_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = 64;
        shape.rows[i] = TILE_ROWS;
    }
    _tile_loadconfig(&shape);
}

static void end_tiles(void) { _tile_release(); }

/* Store 16 columns of numbers of 32 bits as a tile. */
INLINE void put_columns(uint8_t *tile, const __m512i column[16]) {
    __m512i pairs[16], fours[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(column[i], column[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(column[i], column[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* row 4 * quarter + i of the tile */
        const __m512i even = _mm512_shuffle_i32x4(fours[i], fours[4 + i], 0x88);
        const __m512i odd = _mm512_shuffle_i32x4(fours[i], fours[4 + i], 0xdd);
        const __m512i more_even = _mm512_shuffle_i32x4(fours[8 + i], fours[12 + i], 0x88);
        const __m512i more_odd = _mm512_shuffle_i32x4(fours[8 + i], fours[12 + i], 0xdd);
        _mm512_storeu_si512(tile + 64 * i, _mm512_shuffle_i32x4(even, more_even, 0x88));
        _mm512_storeu_si512(tile + 64 * (4 + i), _mm512_shuffle_i32x4(odd, more_odd, 0x88));
        _mm512_storeu_si512(tile + 64 * (8 + i), _mm512_shuffle_i32x4(even, more_even, 0xdd));
        _mm512_storeu_si512(tile + 64 * (12 + i), _mm512_shuffle_i32x4(odd, more_odd, 0xdd));
    }
}

/* 32 floats as two columns of pairs, which add up to them. */
INLINE void split_bfloat16(const float *x, __m512i column[2]) {
    const __m512 first = _mm512_loadu_ps(x), second = _mm512_loadu_ps(x + 16);
    const __m512i high = (__m512i)_mm512_cvtne2ps_pbh(second, first);
    const __m512i first_high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(high)), 16);
    const __m512i second_high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(high, 1)), 16);
    column[0] = high;
    column[1] = (__m512i)_mm512_cvtne2ps_pbh(second - (__m512)second_high, first - (__m512)first_high);
}

INLINE void pack_group(const int format, const float *x, int lanes, int64_t inputs, float *unit, uint8_t *to) {
    const int64_t step = 64 / bytes_of(format);
    float units_of_one[5];
    __m512i column[16] = {0};
    for (int lane = 0; lane < lanes && format == INT8; lane++)
        units_of_one[lane] = units_of_lane(x + lane * inputs, inputs, unit + lane);
    for (int64_t k = 0; k < inputs; k += step, to += TILE_BYTES) {
        for (int lane = 0; lane < lanes; lane++)
            if (format == INT8) split_int8(x + lane * inputs + k, units_of_one[lane], column + 3 * lane);
            else split_bfloat16(x + lane * inputs + k, column + 2 * lane);
        put_columns(to, column);
    }
}

static void pack_lanes(packing *p, int format, const float *x, int lanes, int64_t inputs) {
    const int each = lanes_of_group(format);
    p->lanes = lanes;
    p->inputs = inputs;
    for (int lane = 0; lane < lanes; lane += each) {
        const int few = lanes - lane < each ? lanes - lane : each;
        uint8_t *to = p->at + lane / each * group_bytes(format, inputs);
        if (format == INT8) pack_group(INT8, x + lane * inputs, few, inputs, p->unit + lane, to);
        else pack_group(BFLOAT16, x + lane * inputs, few, inputs, NULL, to);
    }
}

#define WEIGHTS 6
#define LANES 7
#define MULTIPLY(group) \
    if (groups > group) { \
        _tile_loadd(LANES, lanes + group * group_size, 64); \
        if (format == INT8) _tile_dpbssd(group, WEIGHTS, LANES); \
        else _tile_dpbf16ps(group, WEIGHTS, LANES); \
    }
#define KEEP(group) \
    if (groups > group) _tile_stored(group, out[group], 64);

/* 16 rows of w with some groups of lanes; format and groups are constants. */
INLINE void tiles(const int format, const int groups, const uint8_t *lanes, int64_t group_size, const char *w,
                  int64_t row_bytes, float out[][TILE_ROWS * 16]) {
    _tile_zero(0);
    if (groups > 1) _tile_zero(1);
    if (groups > 2) _tile_zero(2);
    if (groups > 3) _tile_zero(3);
    if (groups > 4) _tile_zero(4);
    if (groups > 5) _tile_zero(5);
    for (int64_t at = 0; at < row_bytes; at += 64, lanes += TILE_BYTES) {
        _tile_loadd(WEIGHTS, w + at, row_bytes);
        MULTIPLY(0) MULTIPLY(1) MULTIPLY(2) MULTIPLY(3) MULTIPLY(4) MULTIPLY(5)
    }
    KEEP(0) KEEP(1) KEEP(2) KEEP(3) KEEP(4) KEEP(5)
}

#define TILES(groups) \
    case groups: \
        if (format == INT8) tiles(INT8, groups, lanes, group_size, w, row_bytes, sums); \
        else tiles(BFLOAT16, groups, lanes, group_size, w, row_bytes, sums); \
        break;

/* out[m * 16 + r] = the product of lane first_lane + m and row r of 16 rows; return how many lanes. */
static int multiply_tiles(int format, const packing *p, int first_lane, matrix m, int64_t first_row, float *out) {
    const int each = lanes_of_group(format), left = p->lanes - first_lane;
    const int count = left < each * MOST_GROUPS ? left : each * MOST_GROUPS;
    const int64_t group_size = group_bytes(format, p->inputs), row_bytes = p->inputs * bytes_of(format);
    const uint8_t *lanes = p->at + first_lane / each * group_size;
    const char *w = (const char *)m.at + first_row * row_bytes;
    float turned[16][TILE_ROWS];
    _Alignas(64) float sums[MOST_GROUPS][TILE_ROWS * 16];
    switch ((count + each - 1) / each) {
        TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
    }
    for (int lane = 0; lane < count; lane++) {
        const int columns = format == INT8 ? 3 : 2, first = lane % each * columns;
        if (first == 0) put_columns((uint8_t *)turned, (const __m512i *)sums[lane / each]);
        __m512 total = _mm512_loadu_ps(turned[first]) + _mm512_loadu_ps(turned[first + 1]);
        if (format == INT8) {
            total = _mm512_setzero_ps();
            for (int d = 2; d >= 0; d--)
                total = total * 256.0f + _mm512_cvtepi32_ps(_mm512_loadu_si512(turned[first + d]));
            total *= p->unit[first_lane + lane] * _mm512_loadu_ps(m.scale + first_row);
        }
        _mm512_storeu_ps(out + lane * TILE_ROWS, total);
    }
    return count;
}

#undef WEIGHTS
#undef LANES

#else

int may_use_tiles(void) { return 0; }
static void begin_tiles(void) {}
static void end_tiles(void) {}
static void pack_lanes(packing *p, int format, const float *x, int lanes, int64_t inputs) {
    (void)p, (void)format, (void)x, (void)lanes, (void)inputs;
}
static int multiply_tiles(int format, const packing *p, int first_lane, matrix m, int64_t first_row, float *out) {
    (void)format, (void)p, (void)m, (void)first_row, (void)out;
    return p->lanes - first_lane;
}
#endif

/* Whether rows of inputs fill tiles, and lanes are more than vectors meet as quickly. */
INLINE int suits_tiles(const int format, int64_t inputs, int lanes) {
    const int few = format == INT8 ? 2 : 6;
    return format != FLOAT32 && lanes > few && inputs * bytes_of(format) % 64 == 0;
}

#endif
