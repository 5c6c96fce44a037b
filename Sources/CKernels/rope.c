/* Rotary position embedding, in place. */

#include "internal.h"

enum { TILE_ROWS = 32 };

struct job {
    float *x;
    const float *cosines, *sines;
    size_t rows, row_stride, heads, head_size;
};

#define RS_BODY "rope_body.h"
#include "each_level.h"

static void rotate_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t half = job->head_size / 2;
    const size_t end = rs_min((tile + 1) * TILE_ROWS, job->rows);
    for (size_t row = tile * TILE_ROWS; row < end; row++)
        for (size_t i = 0; i < job->heads * half; i++) {
            const size_t head = i / half, m = i % half;
            float *pair = job->x + row * job->row_stride + head * job->head_size + m;
            const float c = job->cosines[row * half + m], s = job->sines[row * half + m];
            const float low = pair[0], high = pair[half];
            pair[0] = low * c - high * s;
            pair[half] = high * c + low * s;
        }
}

void rs_rotate(rs_pool *pool, float *x, size_t rows, size_t row_stride, size_t heads,
               size_t head_size, const float *cosines, const float *sines) {
    struct job job = {x, cosines, sines, rows, row_stride, heads, head_size};
    rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), rotate_tile), &job,
                rs_blocks(rows, TILE_ROWS));
}
