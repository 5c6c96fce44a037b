/* The packed layout of quantised weights, from inside. */

#ifndef REELSCRIBE_QUANT_H
#define REELSCRIBE_QUANT_H

#include "internal.h"

enum {
    GROUP = RS_QUANT_GROUP,
    OUTPUTS = RS_QUANT_OUTPUTS,
    QUADS = GROUP / 4,
    INT8_BYTES = GROUP * OUTPUTS,
    INT4_BYTES = GROUP * OUTPUTS / 2,
};

struct block8 {
    int8_t q[QUADS][OUTPUTS][4];
    uint16_t scale[OUTPUTS];
    int16_t minus_sum[OUTPUTS];
};

struct block4 {
    uint8_t q[QUADS / 2][OUTPUTS][4];
    uint16_t scale[OUTPUTS];
    uint16_t minimum[OUTPUTS];
};

static inline size_t rs_block_bytes(rs_quant type) {
    return type == RS_INT8 ? sizeof(struct block8) : sizeof(struct block4);
}

/* Weights that are read once, in order, are asked for twice: early for the second cache, which has
   many requests under way at once, and late for the first. */
static inline void rs_ask_ahead(const char *at) {
    enum { NEAR = 1024, FAR = 6144 };
    __builtin_prefetch(at + FAR, 0, 2);
    __builtin_prefetch(at + NEAR, 0, 3);
}

#endif
