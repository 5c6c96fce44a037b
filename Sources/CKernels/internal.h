#ifndef REELSCRIBE_INTERNAL_H
#define REELSCRIBE_INTERNAL_H

#include <string.h>

#include "ckernels.h"

/* A kernel that runs tiles in several phases holds the pool from the first to the last, and may use
   the shared memory meanwhile. */
void rs_pool_hold(rs_pool *pool);
void rs_pool_let_go(rs_pool *pool);
void rs_pool_run_held(rs_pool *pool, rs_tile function, void *context, size_t tiles);

/* Aligned to 64; becomes physical where touched. */
#define RS_SHARED_BYTES ((size_t)64 << 20)
void *rs_pool_shared(rs_pool *pool);

static inline size_t rs_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t rs_max(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t rs_blocks(size_t count, size_t size) { return (count + size - 1) / size; }

static inline size_t rs_size_of(rs_type type) { return type == RS_F32 ? 4 : 2; }

static inline float rs_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Exact for every bit pattern, subnormals and NaN included. */
static inline float rs_float_of_half(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t rest = half & 0x7fff;
    if (rest >= 0x7c00) return rs_float_of_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    if (rest >= 0x0400) return rs_float_of_bits(sign | ((rest << 13) + 0x38000000));
    const float magnitude = (float)rest * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

/* To nearest, ties to even; what is too large for the format is its largest number. */
static inline uint16_t rs_half_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return sign | 0x7e00;
    if (bits >= 0x477ff000) return sign | 0x7bff;
    if (bits < 0x38800000) {
        const float scaled = rs_float_of_bits(bits) * 0x1p24f;
        return sign | (uint16_t)(int)((scaled + 0x1.8p23f) - 0x1.8p23f);
    }
    const uint32_t odd = bits >> 13 & 1;
    return sign | (uint16_t)((bits - 0x38000000 + 0xfff + odd) >> 13);
}

/* Element `index` of an array of `type`, which may be aligned to 2 only. */
static inline float rs_element(rs_type type, const void *base, size_t index) {
    const char *bytes = base;
    if (type == RS_F32) {
        float value;
        memcpy(&value, bytes + index * 4, 4);
        return value;
    }
    uint16_t value;
    memcpy(&value, bytes + index * 2, 2);
    return type == RS_BF16 ? rs_float_of_bits((uint32_t)value << 16) : rs_float_of_half(value);
}

/* What a product reads ahead, besides its own work: a line every AHEAD_STEPS steps, `size` bytes a
   step. */
struct rs_ahead {
    const char *at;
    size_t size;
};
enum { AHEAD_STEPS = 16 };

static inline struct rs_ahead rs_nothing_ahead(const void *near) {
    return (struct rs_ahead){.at = near, .size = 0};
}

/* Bytes between reading weights and asking for them: for the first cache, and for the second. */
enum { RS_NEAR = 1024, RS_FAR = 6144 };

/* Weights that are read once, in order, are asked for twice: early for the second cache, which has
   many requests under way at once, and late for the first. */
static inline void rs_ask_ahead(const char *at, size_t near, size_t far) {
    __builtin_prefetch(at + far, 0, 2);
    __builtin_prefetch(at + near, 0, 3);
}

#endif
