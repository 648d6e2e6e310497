/* Torch's generator of the processor, MT19937: only the numbers that are asked for are made ready. */
#ifndef TWISTER_H
#define TWISTER_H

#include "vectors.h"

#define WORDS 624
#define MIDDLE 397

/* What get_state() of torch's generator begins with. */
typedef struct {
    uint64_t seed;
    int32_t left, is_seeded;
    uint64_t next;
    uint64_t word[WORDS];
} generator_state;

/* Words begin to begin + WORDS of all those that come; numbers are asked for in rising order. */
typedef struct {
    int64_t begin;
    uint32_t word[WORDS + WIDTH];
} twister;

INLINE uvec load_words(const uint32_t *at) {
    uvec v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* The next WORDS words in place, a vector at a time: each depends on old words behind it, and on one
 * MIDDLE further or, around the end, on a new one. */
static void twist(twister *t) {
    uint32_t *word = t->word;
    for (int i = 0; i < WORDS; i += WIDTH) {
        const uvec mixed = (load_words(word + i) & 0x80000000u) | (load_words(word + i + 1) & 0x7fffffffu);
        const uvec far = load_words(word + (i + MIDDLE < WORDS ? i + MIDDLE : i + MIDDLE - WORDS));
        const uvec next = far ^ (mixed >> 1) ^ (-(mixed & 1u) & 0x9908b0dfu);
        memcpy(word + i, &next, sizeof next);
        if (i == 0) memcpy(word + WORDS, word, WIDTH * sizeof *word); /* behind the end, the beginning */
    }
    t->begin += WORDS;
}

/* Return whether state, of so many bytes, is one that can be continued. */
INLINE int open_twister(twister *t, const void *state, int64_t bytes) {
    generator_state from;
    if (bytes < (int64_t)sizeof from) return 0;
    memcpy(&from, state, sizeof from);
    if (!from.is_seeded || from.left < 1 || from.left > WORDS) return 0;
    for (int i = 0; i < WORDS; i++) t->word[i] = (uint32_t)from.word[i];
    t->begin = from.left - 1 - WORDS;
    return 1;
}

INLINE uint32_t word_at(twister *t, int64_t place) {
    while (place >= t->begin + WORDS) twist(t);
    uint32_t word = t->word[place - t->begin];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680u;
    word ^= (word << 15) & 0xefc60000u;
    return word ^ word >> 18;
}

/* Number place of those that torch.rand gives in float64. */
INLINE double uniform_at(twister *t, int64_t place) {
    const uint64_t high = word_at(t, 2 * place), low = word_at(t, 2 * place + 1);
    return (double)((high << 32 | low) & ((1ull << 53) - 1)) * 0x1p-53;
}

/* The state behind the first count numbers, at least one. */
INLINE void close_twister(twister *t, int64_t count, void *state) {
    generator_state to;
    memcpy(&to, state, sizeof to);
    word_at(t, 2 * count - 1);
    const int used = (int)(2 * count - t->begin);
    to.left = WORDS - used + 1;
    to.next = (uint64_t)used;
    for (int i = 0; i < WORDS; i++) to.word[i] = t->word[i];
    memcpy(state, &to, sizeof to);
}

#endif
