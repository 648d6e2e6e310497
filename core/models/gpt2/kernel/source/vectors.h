/* Vectors of floats, weights in any format, and what a GPT-2 computes with them.
 *
 * The vector extensions of GCC and Clang: any processor, any width.
 * Must never allocate, nor read or write outside what it is given.
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* Floats in a vector: no more than a register holds, or two. A compiler splits wider ones as well,
 * but keeps the pieces in memory, which takes several times as long, and so does compiling it. */
#if defined(__AVX512F__)
#define WIDTH 16
#else
#define WIDTH 8
#endif

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef float vec8 __attribute__((vector_size(32)));
typedef float vec4 __attribute__((vector_size(16)));
typedef int32_t ivec __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t uvec __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t hvec __attribute__((vector_size(2 * WIDTH)));
typedef int8_t bvec __attribute__((vector_size(WIDTH)));

/* Four numbers of two vec4, counted through both. Each compiler has a form that it always had; GCC
 * knows that of Clang from 12 on. */
#if defined(__clang__)
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t ivec4 __attribute__((vector_size(16)));
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (ivec4){i, j, k, l})
#endif

/* What a matrix or the cache is made of; numbered as in gpt2_native.py. */
enum format { FLOAT32, BFLOAT16, INT8 };
enum activation { GELU_TANH, GELU_ERF, RELU };

/* Weights as (outputs, inputs); scale has a factor for each output of an INT8 one, else it is NULL. */
typedef struct {
    const void *at;
    const float *scale;
} matrix;

INLINE int64_t bytes_of(const int format) { return format == FLOAT32 ? 4 : format == BFLOAT16 ? 2 : 1; }

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

INLINE float weight_at(const void *w, int64_t i, const int format) {
    if (format == INT8) return ((const int8_t *)w)[i];
    return format == BFLOAT16 ? as_float((uint32_t)((const uint16_t *)w)[i] << 16) : ((const float *)w)[i];
}

INLINE vec load_weights(const void *w, int64_t i, const int format) {
    if (format == FLOAT32) return load((const float *)w + i);
    if (format == INT8) {
#if defined(__AVX512F__)
        return (vec)_mm512_cvtepi32_ps(
            _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)((const int8_t *)w + i))));
#else
        bvec small;
        memcpy(&small, (const int8_t *)w + i, sizeof small);
        return __builtin_convertvector(__builtin_convertvector(small, ivec), vec);
#endif
    }
#if defined(__AVX512F__) /* one instruction, where the general form becomes four */
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)((const uint16_t *)w + i)));
    return (vec)_mm512_slli_epi32(wide, 16);
#else
    hvec half;
    memcpy(&half, (const uint16_t *)w + i, sizeof half);
    return (vec)(__builtin_convertvector(half, uvec) << 16);
#endif
}

/* The count numbers from i on, fewer than a vector holds, and zeros behind them. */
INLINE vec load_rest(const void *w, int64_t i, int64_t count, const int format) {
    float rest[WIDTH] = {0};
    memcpy(rest, (const char *)w + i * bytes_of(format), (size_t)(count * bytes_of(format)));
    return load_weights(rest, 0, format);
}

/* a * b + c, rounded once where the processor can: compilers tuned for some fuse it here and not there. */
INLINE vec fused(vec a, vec b, vec c) {
#if defined(__AVX512F__)
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

INLINE uint16_t to_bfloat16(float value) { /* to nearest, ties to even, as torch rounds */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* Four sums of what lies four apart. */
INLINE vec4 four_sums(vec v) {
#if WIDTH == 16
    union { vec whole; vec8 half[2]; } sixteen = {v};
    union { vec8 whole; vec4 half[2]; } eight = {sixteen.half[0] + sixteen.half[1]};
#else
    union { vec8 whole; vec4 half[2]; } eight = {v};
#endif
    return eight.half[0] + eight.half[1];
}

INLINE float sum(vec v) {
    vec4 four = four_sums(v);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* The sums of four vectors, in fewer steps than four times one. */
INLINE void store_sums(float *at, vec v0, vec v1, vec v2, vec v3) {
    vec4 a = four_sums(v0), b = four_sums(v1), c = four_sums(v2), d = four_sums(v3);
    vec4 ab = SHUFFLE(a, b, 0, 4, 1, 5) + SHUFFLE(a, b, 2, 6, 3, 7);
    vec4 cd = SHUFFLE(c, d, 0, 4, 1, 5) + SHUFFLE(c, d, 2, 6, 3, 7);
    vec4 abcd = SHUFFLE(ab, cd, 0, 1, 4, 5) + SHUFFLE(ab, cd, 2, 3, 6, 7);
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

#endif
