/* rs_linear for many rows: packed blocks and a register tile of our own. The rows of x are packed
   once into the pool's shared memory, the weights of a tile, a stretch of columns at a time, into the
   memory of the thread that uses them, converted to 32 bits on the way. */

#include "gemv.h"
#include "internal.h"

enum {
    STEPS = 384,        /* along the columns at a time: a sliver stays in the first cache */
    BLOCK_ROWS = 640,   /* rows that share packed weights */
    MANY_COLUMNS = 4096,
    MANY_BLOCK_ROWS = 336, /* the same where many stretches of columns go over the sums */
    BAND_ROWS = 126,    /* of these, rows that stay in the second cache with all slivers of a tile */
    TILE_OUTPUTS = 128, /* outputs of one tile of work: a multiple of every level's sliver */
    PANEL_TILE = 8,     /* panels that one tile of work packs */
};

struct job {
    const float *x;
    const void *w;
    const float *bias;
    float *y;
    float *packed; /* [steps][rounded rows], in blocks of STEPS, in panels */
    size_t columns, outputs;
    size_t rows; /* of this block */
    size_t panels;
    rs_type type;
    bool adding;
};

#define RS_BODY "matmul_body.h"
#include "each_level.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define RS_PAIRS
#define RS_LANES 16
#define RS_LEVEL(name) name##_bf16
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))),        \
    apply_to = function)
#include "vector.h"
#include "matmul_body.h"
#pragma clang attribute pop
#undef RS_LANES
#undef RS_LEVEL
#undef RS_PAIRS
#endif

/* The plain version: also the oracle of the others. */
static void linear_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t first = tile * TILE_OUTPUTS;
    const size_t end = rs_min(first + TILE_OUTPUTS, job->outputs);
    const char *w = job->w;
    for (size_t m = 0; m < job->rows; m++)
        for (size_t n = first; n < end; n++) {
            const void *row = w + n * job->columns * rs_size_of(job->type);
            float sum = job->bias ? job->bias[n] : 0;
            for (size_t k = 0; k < job->columns; k++)
                sum += job->x[m * job->columns + k] * rs_element(job->type, row, k);
            float *out = job->y + m * job->outputs + n;
            *out = job->adding ? *out + sum : sum;
        }
}

struct kernels {
    rs_tile pack, multiply;
};

static struct kernels kernels_of(const rs_pool *pool, rs_type type) {
    const rs_level level = rs_pool_level(pool);
#if defined(__x86_64__)
    if (type == RS_BF16 && rs_pool_activations(pool) == RS_FAST && rs_has_bf16(level))
        return (struct kernels){pack_tile_bf16, linear_tile_bf16};
#else
    (void)type;
#endif
    if (level == RS_SCALAR) return (struct kernels){NULL, linear_tile_scalar};
    return (struct kernels){RS_CHOOSE_VECTOR(level, pack_tile), RS_CHOOSE(level, linear_tile)};
}

void rs_linear(rs_pool *pool, rs_linear_use use, const float *x, size_t rows, size_t columns,
               const void *w, rs_type type, size_t outputs, const float *bias, float *y,
               bool adding) {
    const rs_level level = rs_pool_level(pool);
    if (use == RS_FEW_ROWS && level != RS_SCALAR) {
        rs_gemv(pool, x, rows, columns, w, type, outputs, bias, y, adding);
        return;
    }
    const struct kernels kernels = kernels_of(pool, type);
    const size_t panel_rows = level == RS_AVX512 ? 14 : level == RS_AVX2 ? 6 : 8;
    const size_t fits = RS_SHARED_BYTES / sizeof(float) / columns / panel_rows * panel_rows;
    const size_t most = columns > MANY_COLUMNS ? MANY_BLOCK_ROWS : BLOCK_ROWS;
    const size_t blocks = rs_blocks(rows, rs_min(most, fits));
    const size_t block_rows = rs_blocks(rs_blocks(rows, blocks), panel_rows) * panel_rows;
    rs_pool_hold(pool);
    for (size_t first = 0; first < rows; first += block_rows) {
        struct job job = {
            .x = x + first * columns, .w = w, .bias = bias, .y = y + first * outputs,
            .packed = rs_pool_shared(pool), .columns = columns, .outputs = outputs,
            .rows = rs_min(block_rows, rows - first), .type = type, .adding = adding};
        job.panels = rs_blocks(job.rows, panel_rows);
        if (kernels.pack)
            rs_pool_run_held(pool, kernels.pack, &job, rs_blocks(job.panels, PANEL_TILE));
        rs_pool_run_held(pool, kernels.multiply, &job, rs_blocks(outputs, TILE_OUTPUTS));
    }
    rs_pool_let_go(pool);
}
