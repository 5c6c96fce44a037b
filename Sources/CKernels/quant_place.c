/* Rows whose groups were made elsewhere, into the packed layout. */

#include "quant.h"

static void place8(const int8_t *q, uint16_t scale, size_t n, size_t depth, char *block) {
    int8_t padded[GROUP] = {0};
    memcpy(padded, q, depth);
    int sum = 0;
    for (int k = 0; k < GROUP; k++) sum += padded[k];
    for (int k = 0; k < QUADS; k++) memcpy(block + (k * OUTPUTS + n) * 4, padded + 4 * k, 4);
    const int16_t minus = (int16_t)-sum;
    memcpy(block + offsetof(struct block8, scale) + 2 * n, &scale, 2);
    memcpy(block + offsetof(struct block8, minus_sum) + 2 * n, &minus, 2);
}

static void place4(const int8_t *q, uint16_t scale, uint16_t minimum, size_t n, size_t depth,
                   char *block) {
    int8_t padded[GROUP] = {0};
    memcpy(padded, q, depth);
    for (int k = 0; k < QUADS / 2; k++) {
        uint32_t low, high;
        memcpy(&low, padded + 4 * k, 4);
        memcpy(&high, padded + 4 * (k + QUADS / 2), 4);
        low |= high << 4;
        memcpy(block + (k * OUTPUTS + n) * 4, &low, 4);
    }
    memcpy(block + offsetof(struct block4, scale) + 2 * n, &scale, 2);
    memcpy(block + offsetof(struct block4, minimum) + 2 * n, &minimum, 2);
}

void rs_quant_place_row(rs_quant type, const int8_t *q, const uint16_t *scales,
                        const uint16_t *minima, size_t columns, size_t row, void *packed) {
    const size_t groups = rs_blocks(columns, GROUP), n = row % OUTPUTS;
    char *to = (char *)packed + row / OUTPUTS * groups * rs_block_bytes(type);
    for (size_t g = 0; g < groups; g++, to += rs_block_bytes(type)) {
        const size_t depth = rs_min(GROUP, columns - g * GROUP);
        if (type == RS_INT8)
            place8(q + g * GROUP, scales[g], n, depth, to);
        else
            place4(q + g * GROUP, scales[g], minima[g], n, depth, to);
    }
}
