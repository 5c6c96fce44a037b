#include "gemm_block.h"

#define pack_tile RS_LEVEL(pack_tile)
static void pack_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * PANEL_TILE, job->panels);
    for (size_t k = 0; k < job->columns; k += DEPTH) {
        const size_t depth = rs_min(DEPTH, job->columns - k);
        float *block = job->packed + k * job->panels * RS_MR;
        for (size_t p = tile * PANEL_TILE; p < end; p++)
            pack_panel(job->x + p * RS_MR * job->columns + k, job->columns,
                       rs_min(RS_MR, job->rows - p * RS_MR), depth, 1,
                       block + p * RS_MR * depth);
    }
}

#define linear_tile RS_LEVEL(linear_tile)
static void linear_tile(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    float *sliver = scratch;
    const size_t end = rs_min((tile + 1) * TILE_OUTPUTS, job->outputs);
    for (size_t k = 0; k < job->columns; k += DEPTH) {
        const size_t depth = rs_min(DEPTH, job->columns - k);
        const float *block = job->packed + k * job->panels * RS_MR;
        for (size_t n = tile * TILE_OUTPUTS; n < end; n += RS_NR) {
            const size_t outputs = rs_min(RS_NR, end - n);
            const char *w = (const char *)job->w + (n * job->columns + k) * rs_size_of(job->type);
            pack_transposed(job->type, w, job->columns, outputs, depth, sliver);
            for (size_t p = 0; p < job->panels; p++)
                multiply_add(block + p * RS_MR * depth, sliver, depth,
                             rs_min(RS_MR, job->rows - p * RS_MR), outputs,
                             k == 0 && job->bias ? job->bias + n : NULL, k > 0 || job->adding,
                             job->y + p * RS_MR * job->outputs + n, job->outputs);
        }
    }
}
