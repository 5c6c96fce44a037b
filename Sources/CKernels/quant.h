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

#endif
