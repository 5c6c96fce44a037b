/* AMX's tiles, as the processor has them and as software plays them. */

#ifndef REELSCRIBE_TILES_H
#define REELSCRIBE_TILES_H

#include "internal.h"

/* Rows of a tile, and bytes of a row. */
enum { TILE_ROWS = 16, TILE_BYTES = 64 };

#if defined(__x86_64__)

/* Whether this process may use the processor's tiles, and they do what software does. They are left
   alone where REELSCRIBE_ISA asks for anything but "amx". Asks the system at the first call. */
bool rs_tiles_usable(void);

/* The tiles of a thread in software. */
struct rs_soft_tiles {
    int8_t tile[8][TILE_ROWS][TILE_BYTES];
};

static inline void rs_soft_zero(struct rs_soft_tiles *soft, int tile) {
    memset(soft->tile[tile], 0, sizeof soft->tile[tile]);
}

static inline void rs_soft_load(struct rs_soft_tiles *soft, int tile, const void *from,
                                size_t stride) {
    for (size_t r = 0; r < TILE_ROWS; r++)
        memcpy(soft->tile[tile][r], (const char *)from + r * stride, TILE_BYTES);
}

static inline void rs_soft_store(struct rs_soft_tiles *soft, int tile, void *to, size_t stride) {
    for (size_t r = 0; r < TILE_ROWS; r++)
        memcpy((char *)to + r * stride, soft->tile[tile][r], TILE_BYTES);
}

/* sum[m][n] += a[m][4 k + i] b[k][4 n + i], all of 8 bits with a sign, sums of 32. */
static inline void rs_soft_multiply(struct rs_soft_tiles *soft, int sum, int a, int b) {
    for (int m = 0; m < TILE_ROWS; m++) {
        int32_t sums[TILE_BYTES / 4];
        memcpy(sums, soft->tile[sum][m], sizeof sums);
        for (int k = 0; k < TILE_ROWS; k++)
            for (int n = 0; n < TILE_BYTES / 4; n++)
                for (int i = 0; i < 4; i++)
                    sums[n] += soft->tile[a][m][4 * k + i] * soft->tile[b][k][4 * n + i];
        memcpy(soft->tile[sum][m], sums, sizeof sums);
    }
}

/* All eight tiles with all of their rows: what _tile_loadconfig reads. */
struct rs_tile_shape {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static inline struct rs_tile_shape rs_whole_tiles(void) {
    struct rs_tile_shape shape = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        shape.row_bytes[tile] = TILE_BYTES;
        shape.rows[tile] = TILE_ROWS;
    }
    return shape;
}

#endif
#endif
