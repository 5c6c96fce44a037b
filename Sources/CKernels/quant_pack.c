/* Weights into packed groups. */

#include "quant.h"

#include <math.h>

/* The same bits on every level: no product is fused with a sum, and sums run over 16 places that
   are added in a fixed order. */
#pragma clang fp contract(off)

enum { PLACES = 16 };

struct job {
    const char *w;
    rs_type from;
    rs_quant type;
    size_t outputs, columns, groups;
    char *packed;
};

/* Of numbers below 2^22. */
static inline float rounded(float value) { return (value + 0x1.8p23f) - 0x1.8p23f; }

static inline float smaller(float a, float b) { return b < a ? b : a; }
static inline float larger(float a, float b) { return b > a ? b : a; }

/* What is no number becomes `low`. */
static inline float clamped(float value, float low, float high) {
    value = value > low ? value : low;
    return value < high ? value : high;
}

static inline float total(const float places[PLACES]) {
    float sum[PLACES / 2];
    for (int i = 0; i < PLACES / 2; i++) sum[i] = places[i] + places[i + PLACES / 2];
    for (int width = PLACES / 4; width > 0; width /= 2)
        for (int i = 0; i < width; i++) sum[i] += sum[i + width];
    return sum[0];
}

#define RS_LEVEL(name) name##_scalar
#define RS_INLINE static inline
#include "quant_pack_body.h"
#undef RS_LEVEL
#undef RS_INLINE

#define RS_BODY "quant_pack_body.h"
#include "each_level.h"

size_t rs_quant_bytes(rs_quant type, size_t outputs, size_t columns) {
    return rs_blocks(outputs, OUTPUTS) * rs_blocks(columns, GROUP) * rs_block_bytes(type);
}

void rs_quant_pack(rs_pool *pool, rs_quant type, const void *w, rs_type from, size_t outputs,
                   size_t columns, void *packed) {
    struct job job = {.w = w, .from = from, .type = type, .outputs = outputs, .columns = columns,
                      .groups = rs_blocks(columns, GROUP), .packed = packed};
    rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), pack_blocks), &job,
                rs_blocks(outputs, OUTPUTS));
}

void rs_quant_expand_row(rs_quant type, const void *packed, size_t columns, size_t row, float *out) {
    const size_t groups = rs_blocks(columns, GROUP), n = row % OUTPUTS;
    const char *base = (const char *)packed + row / OUTPUTS * groups * rs_block_bytes(type);
    for (size_t k = 0; k < columns; k++) {
        const char *at = base + k / GROUP * rs_block_bytes(type);
        const size_t quad = k % GROUP / 4, place = k % 4;
        if (type == RS_INT8) {
            struct block8 block;
            memcpy(&block.scale, at + offsetof(struct block8, scale), sizeof block.scale);
            const int8_t q = (int8_t)at[(quad * OUTPUTS + n) * 4 + place];
            out[k] = rs_float_of_half(block.scale[n]) * (float)q;
        } else {
            struct block4 block;
            memcpy(block.scale, at + offsetof(struct block4, scale), 2 * sizeof block.scale);
            const uint8_t byte = (uint8_t)at[(quad % (QUADS / 2) * OUTPUTS + n) * 4 + place];
            const int q = quad < QUADS / 2 ? byte & 15 : byte >> 4;
            out[k] = rs_float_of_half(block.scale[n]) * (float)q
                     + rs_float_of_half(block.minimum[n]);
        }
    }
}
