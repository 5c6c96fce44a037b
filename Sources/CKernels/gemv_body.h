#define dot_vector RS_LEVEL(dot_vector)
/* A vector of columns from `k` on; group and rows are constants where it is called. */
RS_INLINE void dot_vector(rs_type type, int group, int rows, const char *const w[GROUP],
                          const float *x, size_t columns, size_t k,
                          vf sum[GROUP][RS_GEMV_ROWS]) {
    vf weight[GROUP];
#pragma clang loop unroll(full)
    for (int g = 0; g < group; g++) weight[g] = load_as(type, w[g], k);
#pragma clang loop unroll(full)
    for (int m = 0; m < rows; m++) {
        const vf number = load(x + (size_t)m * columns + k);
#pragma clang loop unroll(full)
        for (int g = 0; g < group; g++) sum[g][m] += weight[g] * number;
    }
}

#define dot_rows RS_LEVEL(dot_rows)
/* Adds `group` rows of weights, n and on, `apart` from each other, times `rows` rows of x from `row`
   on to their sums, over the whole vectors of a stretch of columns; both counts constants where it is
   called. Whatever they are, a sum is made in the same order. */
RS_INLINE void dot_rows(const struct job *job, rs_type type, int group, int rows, size_t row,
                        size_t n, size_t apart, size_t first, size_t end, size_t near,
                        size_t far, float *sums) {
    const size_t columns = job->columns;
    const float *x = job->x + row * columns;
    const char *w[GROUP];
    vf sum[GROUP][RS_GEMV_ROWS];
#pragma clang loop unroll(full)
    for (int g = 0; g < group; g++) {
        w[g] = job->w + (n + (size_t)g * apart) * columns * rs_size_of(type);
#pragma clang loop unroll(full)
        for (int m = 0; m < rows; m++)
            sum[g][m] = first == 0 ? splat(0) : load(sums + (size_t)(g * rows + m) * RS_LANES);
    }
    const int vectors = (int)(64 / (RS_LANES * rs_size_of(type)));
    size_t k = first;
    for (; k + (size_t)vectors * RS_LANES <= end; k += (size_t)vectors * RS_LANES) {
#pragma clang loop unroll(full)
        for (int g = 0; g < group; g++) {
            const char *line = w[g] + k * rs_size_of(type);
            rs_ask_ahead(line, near, far);
        }
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
            dot_vector(type, group, rows, w, x, columns, k + (size_t)v * RS_LANES, sum);
    }
    for (; k < end; k += RS_LANES) dot_vector(type, group, rows, w, x, columns, k, sum);
    if (end + RS_LANES <= columns) {
#pragma clang loop unroll(full)
        for (int g = 0; g < group; g++)
#pragma clang loop unroll(full)
            for (int m = 0; m < rows; m++)
                store(sums + (size_t)(g * rows + m) * RS_LANES, sum[g][m]);
        return;
    }
#pragma clang loop unroll(full)
    for (int g = 0; g < group; g++)
#pragma clang loop unroll(full)
        for (int m = 0; m < rows; m++) {
            float total = sum_of(sum[g][m]);
            for (size_t rest = end; rest < columns; rest++)
                total += rs_element(type, w[g], rest) * x[(size_t)m * columns + rest];
            put(job, row + (size_t)m, n + (size_t)g * apart, total);
        }
}

#define dot_tile RS_LEVEL(dot_tile)
/* One row of x stays in the first cache whatever its length, or two; of more, a stretch of columns is
   multiplied with all weights of the tile before the next. There rows of weights side by side are
   neighbours; elsewhere they lie a part of the tile apart, as memory answers distant streams sooner.
   What comes is asked for twice: early for the second cache, which has many requests under way at
   once, and late for the first. */
RS_INLINE void dot_tile(const struct job *job, rs_type type, int group, int rows, size_t row,
                        size_t first, size_t end, float *sums) {
    const size_t whole = job->columns / RS_LANES * RS_LANES;
    const size_t groups = (end - first) / (size_t)group;
    const bool streams = rows <= 2;
    const size_t step = streams ? rs_max(whole, 1) : STRETCH / (size_t)rows / RS_LANES * RS_LANES;
    const size_t next = (size_t)group * job->columns * rs_size_of(type);
    const size_t near = streams ? RS_NEAR : next, far = streams ? RS_FAR : 3 * next;
    const size_t apart = streams ? groups : 1, along = streams ? 1 : (size_t)group;
    size_t k = 0;
    do {
        const size_t stop = rs_min(k + step, whole);
        float *at = sums;
        for (size_t i = 0; i < groups; i++) {
            dot_rows(job, type, group, rows, row, first + i * along, apart, k, stop, near, far, at);
            at += (size_t)(group * rows) * RS_LANES;
        }
        for (size_t n = first + groups * (size_t)group; n < end; n++) {
            dot_rows(job, type, 1, rows, row, n, 0, k, stop, near, far, at);
            at += (size_t)rows * RS_LANES;
        }
        k = stop;
    } while (k < whole);
}

#define gemv_tile_as RS_LEVEL(gemv_tile_as)
/* As many sums at once as the level has registers for. */
RS_INLINE void gemv_tile_as(const struct job *job, rs_type type, size_t row, size_t first,
                            size_t end, float *sums) {
    enum { MIDDLE = RS_LANES == 16 ? 4 : 2, SMALL = RS_LANES == 16 ? 2 : 1 };
    switch (job->rows - row) {
    case 1:
        return dot_tile(job, type, GROUP, 1, row, first, end, sums);
    case 2:
        return dot_tile(job, type, GROUP, 2, row, first, end, sums);
    case 3:
        return dot_tile(job, type, MIDDLE, 3, row, first, end, sums);
    case 4:
        return dot_tile(job, type, MIDDLE, 4, row, first, end, sums);
    case 5:
        return dot_tile(job, type, SMALL, 5, row, first, end, sums);
    case 6:
        return dot_tile(job, type, SMALL, 6, row, first, end, sums);
    case 7:
        return dot_tile(job, type, SMALL, 7, row, first, end, sums);
    default:
        return dot_tile(job, type, SMALL, 8, row, first, end, sums);
    }
}

#define gemv_tile RS_LEVEL(gemv_tile)
static void gemv_tile(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const size_t first = tile * job->tile_outputs;
    const size_t end = rs_min(first + job->tile_outputs, job->outputs);
    for (size_t row = 0; row < job->rows; row += RS_GEMV_ROWS) switch (job->type) {
        case RS_F32:
            gemv_tile_as(job, RS_F32, row, first, end, scratch);
            break;
        case RS_BF16:
            gemv_tile_as(job, RS_BF16, row, first, end, scratch);
            break;
        case RS_F16:
            gemv_tile_as(job, RS_F16, row, first, end, scratch);
            break;
        }
}
