#include "gemm_block.h"

/* Columns of a stretch. */
#undef RS_DEPTH
#define RS_DEPTH ((size_t)STEPS * RS_STEP)

#define multiply_add RS_LEVEL(multiply_add)
/* c[rows][columns] = a b + bias + c over `depth` steps, the latter two where asked for. `bias` may be
   NULL. Meanwhile `ahead` comes into the second cache. */
static void multiply_add(const float *a, const float *b, size_t depth, size_t rows, size_t columns,
                         const float *bias, bool adding, float *c, size_t stride,
                         struct rs_ahead ahead) {
    vf sum[RS_MR][2];
    /* What will be added to arrives while the block is multiplied. */
    for (size_t r = 0; r < rows; r++) {
        __builtin_prefetch(c + r * stride, 1);
        __builtin_prefetch(c + r * stride + columns - 1, 1);
    }
    if (rows == RS_MR && columns == RS_NR) {
        multiply_block_of(RS_MR, a, RS_MR, b, depth, ahead, sum);
        const vf bias0 = bias ? load(bias) : splat(0);
        const vf bias1 = bias ? load(bias + RS_LANES) : splat(0);
#pragma clang loop unroll(full)
        for (int r = 0; r < RS_MR; r++) {
            float *row = c + (size_t)r * stride;
            vf y0 = sum[r][0] + bias0, y1 = sum[r][1] + bias1;
            if (adding) y0 += load(row), y1 += load(row + RS_LANES);
            store(row, y0);
            store(row + RS_LANES, y1);
        }
        return;
    }
    multiply_block(a, RS_MR, b, depth, rows, ahead, sum);
    float edge[RS_MR][RS_NR];
    memcpy(edge, sum, sizeof edge);
    for (size_t r = 0; r < rows; r++)
        for (size_t n = 0; n < columns; n++) {
            const float value = edge[r][n] + (bias ? bias[n] : 0);
            c[r * stride + n] = adding ? c[r * stride + n] + value : value;
        }
}

#define pack_tile RS_LEVEL(pack_tile)
static void pack_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * PANEL_TILE, job->panels);
    for (size_t k = 0; k < job->columns; k += RS_DEPTH) {
        const size_t depth = rs_min(RS_DEPTH, job->columns - k);
        const size_t steps = rs_blocks(depth, RS_STEP);
        float *block = job->packed + k / RS_STEP * job->panels * RS_MR;
        for (size_t p = tile * PANEL_TILE; p < end; p++)
            pack_panel(job->x + p * RS_MR * job->columns + k, job->columns,
                       rs_min(RS_MR, job->rows - p * RS_MR), depth, 1,
                       block + p * RS_MR * steps);
    }
}

#define fetch_weights RS_LEVEL(fetch_weights)
/* Lets a share of the weights that a tile packs next come into the second cache: its rows are too
   far apart for the processor to guess. Of the share's rows the last, often the only one, is left to
   the product that follows. */
RS_INLINE struct rs_ahead fetch_weights(const struct job *job, size_t begin, size_t outputs,
                                        size_t k, size_t part, size_t parts) {
    const size_t first = part * outputs / parts, end = (part + 1) * outputs / parts;
    if (k >= job->columns || first == end) return rs_nothing_ahead(job->packed);
    const size_t size = rs_size_of(job->type);
    const size_t bytes = rs_min(RS_DEPTH, job->columns - k) * size;
    const char *row = (const char *)job->w + ((begin + first) * job->columns + k) * size;
    for (size_t r = first; r + 1 < end; r++, row += job->columns * size)
        for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at, 0, 2);
    return (struct rs_ahead){.at = row, .size = size * RS_STEP};
}

#define linear_tile RS_LEVEL(linear_tile)
/* A band of panels is multiplied with all slivers of the tile while it is in the second cache, and
   each sliver with all panels of the band while it is in the first. */
static void linear_tile(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const size_t begin = tile * TILE_OUTPUTS;
    const size_t outputs = rs_min(TILE_OUTPUTS, job->outputs - begin);
    const size_t parts = rs_blocks(outputs, RS_NR) * job->panels;
    enum { BAND = BAND_ROWS / RS_MR };
    for (size_t k = 0; k < job->columns; k += RS_DEPTH) {
        const size_t depth = rs_min(RS_DEPTH, job->columns - k);
        const size_t steps = rs_blocks(depth, RS_STEP);
        const float *block = job->packed + k / RS_STEP * job->panels * RS_MR;
        float *slivers = scratch;
        for (size_t n = 0; n < outputs; n += RS_NR) {
            const size_t at = (begin + n) * job->columns + k;
            pack_transposed(job->type, (const char *)job->w + at * rs_size_of(job->type),
                            job->columns, rs_min(RS_NR, outputs - n), depth, slivers + n * steps);
        }
        size_t part = 0;
        for (size_t band = 0; band < job->panels; band += BAND)
            for (size_t n = 0; n < outputs; n += RS_NR)
                for (size_t p = band; p < rs_min(band + BAND, job->panels); p++) {
                    const struct rs_ahead ahead =
                        fetch_weights(job, begin, outputs, k + RS_DEPTH, part++, parts);
                    multiply_add(block + p * RS_MR * steps, slivers + n * steps, steps,
                                 rs_min(RS_MR, job->rows - p * RS_MR), rs_min(RS_NR, outputs - n),
                                 k == 0 && job->bias ? job->bias + begin + n : NULL,
                                 k > 0 || job->adding,
                                 job->y + p * RS_MR * job->outputs + begin + n, job->outputs,
                                 ahead);
                }
    }
}
