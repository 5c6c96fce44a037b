/* rs_linear for few rows, as in decoding: bound by reading the weights, each once. */

#include "gemv.h"

enum {
    TILE_BYTES = 512 << 10, /* weights of one tile of work */
    GROUP = 4,              /* rows of weights read side by side, at most */
    STRETCH = 4096,         /* numbers of x that are multiplied with a tile at a time */
};

struct job {
    const float *x;
    const char *w;
    const float *bias;
    float *y;
    size_t rows, columns, outputs;
    size_t tile_outputs;
    rs_type type;
    bool adding;
};

static inline void put(const struct job *job, size_t row, size_t output, float sum) {
    float *y = job->y + row * job->outputs + output;
    if (job->bias) sum += job->bias[output];
    *y = job->adding ? *y + sum : sum;
}

#define RS_BODY "gemv_body.h"
#include "each_level.h"

void rs_gemv(rs_pool *pool, const float *x, size_t rows, size_t columns, const void *w,
             rs_type type, size_t outputs, const float *bias, float *y, bool adding) {
    const size_t groups = TILE_BYTES / (columns * rs_size_of(type)) / GROUP;
    struct job job = {.x = x, .w = w, .bias = bias, .y = y, .rows = rows, .columns = columns,
                      .outputs = outputs, .tile_outputs = rs_max(groups, 1) * GROUP,
                      .type = type, .adding = adding};
    rs_pool_run(pool, RS_CHOOSE_VECTOR(rs_pool_level(pool), gemv_tile), &job,
                rs_blocks(outputs, job.tile_outputs));
}
