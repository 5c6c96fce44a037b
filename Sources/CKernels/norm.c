/* Layer norm and RMS norm. */

#include <math.h>

#include "internal.h"

enum { TILE_ROWS = 16 };

struct job {
    const float *x;
    const float *weight;
    const float *bias; /* NULL: RMS norm */
    float *out;
    size_t rows, width;
    float epsilon;
};

typedef void (*norm_row)(const struct job *job, const float *x, float *out);

static inline void norm_rows(const struct job *job, size_t tile, norm_row layer, norm_row rms) {
    const size_t end = rs_min((tile + 1) * TILE_ROWS, job->rows);
    for (size_t row = tile * TILE_ROWS; row < end; row++)
        (job->bias ? layer : rms)(job, job->x + row * job->width, job->out + row * job->width);
}

#define RS_BODY "norm_body.h"
#include "each_level.h"

static void layer_norm_row_scalar(const struct job *job, const float *x, float *out) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < job->width; i++) sum += x[i];
    const double mean = sum / (double)job->width;
    for (size_t i = 0; i < job->width; i++) squares += (x[i] - mean) * (x[i] - mean);
    const double scale = 1 / sqrt(squares / (double)job->width + job->epsilon);
    for (size_t i = 0; i < job->width; i++)
        out[i] = (float)((x[i] - mean) * scale) * job->weight[i] + job->bias[i];
}

static void rms_norm_row_scalar(const struct job *job, const float *x, float *out) {
    double squares = 0;
    for (size_t i = 0; i < job->width; i++) squares += (double)x[i] * x[i];
    const double scale = 1 / sqrt(squares / (double)job->width + job->epsilon);
    for (size_t i = 0; i < job->width; i++) out[i] = (float)(x[i] * scale) * job->weight[i];
}

static void norm_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    norm_rows(context, tile, layer_norm_row_scalar, rms_norm_row_scalar);
}

void rs_layer_norm(rs_pool *pool, const float *x, size_t rows, size_t width, const float *weight,
                   const float *bias, float epsilon, float *out) {
    struct job job = {x, weight, bias, out, rows, width, epsilon};
    rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), norm_tile), &job, rs_blocks(rows, TILE_ROWS));
}

void rs_rms_norm(rs_pool *pool, const float *x, size_t rows, size_t width, const float *weight,
                 float epsilon, float *out) {
    rs_layer_norm(pool, x, rows, width, weight, NULL, epsilon, out);
}
