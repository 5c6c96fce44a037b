#include "pack_lines.h"

#define vb RS_LEVEL(vector_of_byte)
typedef int8_t vb __attribute__((vector_size(RS_LANES)));

#define kept RS_LEVEL(kept)
/* RS_LANES stored numbers from element `index`, without their scale. */
RS_INLINE vf kept(rs_kv type, const char *base, size_t index) {
    if (type == RS_KV_F32) return load_as(RS_F32, base, index);
    if (type == RS_KV_F16) return load_as(RS_F16, base, index);
    vb raw;
    memcpy(&raw, base + index, sizeof raw);
    return __builtin_convertvector(raw, vf);
}

#define panel_width RS_LEVEL(panel_width)
/* Rows of the smallest panel that holds so many: those that score_panel and weigh_panel know. */
RS_INLINE size_t panel_width(size_t rows) {
    const size_t widths[] = {1, 2, 4, 6, 8};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (rows <= widths[i] && widths[i] <= RS_MR) return widths[i];
    return RS_MR;
}

#define pack_rows RS_LEVEL(pack_rows)
/* Rows `stride` apart, times `scale`, into panels of RS_MR rows, the last one narrower. */
RS_INLINE void pack_rows(const float *const *x, size_t rows, size_t depth, float scale, float *to) {
    for (size_t first = 0; first < rows; first += RS_MR) {
        const size_t width = panel_width(rs_min(RS_MR, rows - first));
        float *panel = to + first * depth;
        if (width == RS_MR) {
            pack_lines(x + first, rs_min(RS_MR, rows - first), depth, scale, panel);
            continue;
        }
        for (size_t r = 0; r < width; r++) {
            if (first + r >= rows) {
                for (size_t k = 0; k < depth; k++) panel[k * width + r] = 0;
                continue;
            }
            const float *row = x[first + r];
            for (size_t k = 0; k < depth; k++) panel[k * width + r] = row[k] * scale;
        }
    }
}

#define score_page RS_LEVEL(score_page)
/* scores[rows][PAGE] = q k of a panel; type and rows constants where it is called. */
RS_INLINE void score_page(rs_kv type, int rows, const float *q, struct page page, size_t d,
                          float *scores) {
    for (size_t first = 0; first < PAGE; first += RS_NR) {
        vf sum[RS_MR][2];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = splat(0);
        for (size_t c = 0; c < d;) {
            const size_t end = rs_min(c + RS_KV_GROUP, d);
            vf scale0 = splat(1), scale1 = splat(1);
            if (type == RS_KV_INT8) {
                const float *scales = page.key_scales + c / RS_KV_GROUP * PAGE + first;
                scale0 = load(scales), scale1 = load(scales + RS_LANES);
            }
            for (; c < end; c++) {
                vf k0 = kept(type, page.keys, c * PAGE + first);
                vf k1 = kept(type, page.keys, c * PAGE + first + RS_LANES);
                if (type == RS_KV_INT8) k0 *= scale0, k1 *= scale1;
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) {
                    const vf value = splat(q[c * (size_t)rows + (size_t)r]);
                    sum[r][0] += value * k0;
                    sum[r][1] += value * k1;
                }
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            store(scores + (size_t)r * KEYS + first, sum[r][0]);
            store(scores + (size_t)r * KEYS + first + RS_LANES, sum[r][1]);
        }
    }
}

/* Where RS_NR columns of values lie. */
#define columns_at RS_LEVEL(columns_at)
struct columns_at {
    const char *values;
    size_t stride; /* elements between keys */
    const float *scales;
    size_t scale_stride;
};

#define weigh_columns RS_LEVEL(weigh_columns)
/* sum[rows][RS_NR], `stride` apart, += p v over the keys; type and rows constants. */
RS_INLINE void weigh_columns(rs_kv type, int rows, const float *p, struct columns_at at,
                             size_t keys, float *sums, size_t stride) {
    vf sum[RS_MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        sum[r][0] = load(sums + (size_t)r * stride);
        sum[r][1] = load(sums + (size_t)r * stride + RS_LANES);
    }
    for (size_t j = 0; j < keys; j++) {
        vf v0 = kept(type, at.values, j * at.stride);
        vf v1 = kept(type, at.values, j * at.stride + RS_LANES);
        if (type == RS_KV_INT8) {
            const vf scale = splat(at.scales[j * at.scale_stride]);
            v0 *= scale, v1 *= scale;
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const vf value = splat(p[j * (size_t)rows + (size_t)r]);
            sum[r][0] += value * v0;
            sum[r][1] += value * v1;
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        store(sums + (size_t)r * stride, sum[r][0]);
        store(sums + (size_t)r * stride + RS_LANES, sum[r][1]);
    }
}

#undef RS_WIDTHS
#if RS_LANES == 16
#define RS_WIDTHS(call) RS_WIDTH(1, call) RS_WIDTH(2, call) RS_WIDTH(4, call) RS_WIDTH(6, call) RS_WIDTH(8, call)
#elif RS_LANES == 8
#define RS_WIDTHS(call) RS_WIDTH(1, call) RS_WIDTH(2, call) RS_WIDTH(4, call)
#else
#define RS_WIDTHS(call) RS_WIDTH(1, call) RS_WIDTH(2, call) RS_WIDTH(4, call) RS_WIDTH(6, call)
#endif
#undef RS_WIDTH
#define RS_WIDTH(n, call)                                                                          \
    case n:                                                                                        \
        call(n);                                                                                   \
        return;

#define score_panel RS_LEVEL(score_panel)
static void score_panel(rs_kv type, size_t width, const float *q, struct page page, size_t d,
                        float *scores) {
#define RS_CALL(n) score_page(RS_KV_F32, n, q, page, d, scores)
    if (type == RS_KV_F32) switch (width) { RS_WIDTHS(RS_CALL) default: RS_CALL(RS_MR); return; }
#undef RS_CALL
#define RS_CALL(n) score_page(RS_KV_F16, n, q, page, d, scores)
    if (type == RS_KV_F16) switch (width) { RS_WIDTHS(RS_CALL) default: RS_CALL(RS_MR); return; }
#undef RS_CALL
#define RS_CALL(n) score_page(RS_KV_INT8, n, q, page, d, scores)
    switch (width) { RS_WIDTHS(RS_CALL) default: RS_CALL(RS_MR); return; }
#undef RS_CALL
}

#define weigh_panel RS_LEVEL(weigh_panel)
static void weigh_panel(rs_kv type, size_t width, const float *p, struct columns_at at,
                        size_t keys, float *sums, size_t stride) {
#define RS_CALL(n) weigh_columns(RS_KV_F32, n, p, at, keys, sums, stride)
    if (type == RS_KV_F32) switch (width) { RS_WIDTHS(RS_CALL) default: RS_CALL(RS_MR); return; }
#undef RS_CALL
#define RS_CALL(n) weigh_columns(RS_KV_F16, n, p, at, keys, sums, stride)
    if (type == RS_KV_F16) switch (width) { RS_WIDTHS(RS_CALL) default: RS_CALL(RS_MR); return; }
#undef RS_CALL
#define RS_CALL(n) weigh_columns(RS_KV_INT8, n, p, at, keys, sums, stride)
    switch (width) { RS_WIDTHS(RS_CALL) default: RS_CALL(RS_MR); return; }
#undef RS_CALL
}

#define widen_keys RS_LEVEL(widen_keys)
/* The keys of a page as f32, [d][PAGE]. */
static void widen_keys(rs_kv type, struct page page, size_t d, float *to) {
    for (size_t c = 0; c < d; c++)
        for (size_t j = 0; j < PAGE; j += RS_LANES) {
            vf value = type == RS_KV_F16 ? kept(RS_KV_F16, page.keys, c * PAGE + j)
                                         : kept(RS_KV_INT8, page.keys, c * PAGE + j);
            if (type == RS_KV_INT8)
                value *= load(page.key_scales + c / RS_KV_GROUP * PAGE + j);
            store(to + c * PAGE + j, value);
        }
}

#define widen_columns RS_LEVEL(widen_columns)
/* RS_NR columns of values from column `c` on, of `keys` keys of a page, as f32 [keys][RS_NR];
   columns that there are none of are zeros. */
static void widen_columns(const rs_kv_layout *layout, struct page page, size_t c, size_t keys,
                          float *to) {
    const rs_kv type = layout->type;
    const size_t d = layout->head_size, columns = rs_min(RS_NR, d - c);
    const size_t groups = rs_kv_groups(d);
    for (size_t j = 0; j < keys; j++, to += RS_NR) {
        if (columns < RS_NR) {
            for (size_t n = 0; n < RS_NR; n++)
                to[n] = n < columns ? rs_value(layout, page, j, c + n) : 0;
            continue;
        }
        for (size_t n = 0; n < RS_NR; n += RS_LANES) {
            const size_t index = j * d + c + n;
            vf value = type == RS_KV_F32   ? kept(RS_KV_F32, page.values, index)
                       : type == RS_KV_F16 ? kept(RS_KV_F16, page.values, index)
                                           : kept(RS_KV_INT8, page.values, index);
            if (type == RS_KV_INT8)
                value *= splat(page.value_scales[j * groups + c / RS_KV_GROUP]);
            store(to + n, value);
        }
    }
}

/* What a tile works in. */
#define desk RS_LEVEL(desk)
struct desk {
    float *q;      /* [panels][d][RS_MR] */
    float *wide;   /* [d][PAGE] or [KEYS][RS_NR] */
    float *scores; /* [rows][KEYS] */
    float *p;      /* [panels][KEYS][RS_MR] */
    float *sums;   /* [rows][padded]: of the stretch */
    float *totals; /* the same: of all stretches so far */
};

#define desk_on RS_LEVEL(desk_on)
RS_INLINE struct desk desk_on(void *scratch, size_t d, size_t padded) {
    enum { MOST = ROWS + RS_MR };
    struct desk desk;
    desk.q = scratch;
    desk.wide = desk.q + MOST * d;
    desk.scores = desk.wide + rs_max(d * PAGE, KEYS * RS_NR);
    desk.p = desk.scores + MOST * KEYS;
    desk.sums = desk.p + MOST * KEYS;
    desk.totals = desk.sums + MOST * padded;
    return desk;
}

#define score_stretch RS_LEVEL(score_stretch)
/* Products of packed queries with the first `keys` keys of a stretch. */
static void score_stretch(const rs_kv_layout *layout, const rs_kv_sequence *sequence, size_t kv,
                          size_t stretch, size_t keys, size_t rows, struct desk desk) {
    const size_t d = layout->head_size;
    for (size_t at = 0; at < keys; at += PAGE) {
        struct page page = rs_page(layout, sequence, kv, stretch * PAGES + at / PAGE);
        rs_kv type = layout->type;
        if (type != RS_KV_F32 && rows > RS_MR) {
            widen_keys(type, page, d, desk.wide);
            page.keys = (const char *)desk.wide;
            type = RS_KV_F32;
        }
        for (size_t row = 0; row < rows; row += RS_MR)
            score_panel(type, panel_width(rs_min(RS_MR, rows - row)), desk.q + row * d, page, d,
                        desk.scores + row * KEYS + at);
    }
}

#define soften RS_LEVEL(soften)
/* Turns the first `seen` of KEYS scores into powers relative to their maximum, the others into
   zeros. All levels add in the same order. */
static void soften(float *scores, size_t seen, float *maximum, float *weight) {
    *maximum = -INFINITY;
    *weight = 0;
    if (seen == 0) {
        memset(scores, 0, KEYS * sizeof(float));
        return;
    }
    const size_t end = rs_blocks(seen, PLACES) * PLACES;
    for (size_t j = seen; j < end; j++) scores[j] = -INFINITY;
    memset(scores + end, 0, (KEYS - end) * sizeof(float));
    vf highest = splat(-INFINITY);
    for (size_t j = 0; j < end; j += RS_LANES) {
        const vf s = load(scores + j);
        highest = choose(s > highest, s, highest);
    }
    float lanes[RS_LANES];
    store(lanes, highest);
    for (size_t i = 0; i < RS_LANES; i++) *maximum = lanes[i] > *maximum ? lanes[i] : *maximum;
    vf sums[PLACES / RS_LANES];
    for (size_t i = 0; i < PLACES / RS_LANES; i++) sums[i] = splat(0);
    for (size_t j = 0; j < end; j += PLACES)
        for (size_t i = 0; i < PLACES / RS_LANES; i++) {
            float *at = scores + j + i * RS_LANES;
            const vf p = power_below_one(load(at) - splat(*maximum));
            store(at, p);
            sums[i] += p;
        }
    float places[PLACES];
    memcpy(places, sums, sizeof places);
    for (size_t width = PLACES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++) places[i] += places[i + width];
    *weight = places[0];
}

#define weigh_stretch RS_LEVEL(weigh_stretch)
/* Sums of the values of a stretch, weighed by packed powers. */
static void weigh_stretch(const rs_kv_layout *layout, const rs_kv_sequence *sequence, size_t kv,
                          size_t stretch, size_t keys, size_t rows, size_t padded,
                          struct desk desk) {
    const size_t d = layout->head_size, size = rs_kv_size(layout->type);
    const size_t groups = rs_kv_groups(d);
    const size_t width = panel_width(rs_min(RS_MR, rows));
    memset(desk.sums, 0, (rows + width) * padded * sizeof(float));
    for (size_t at = 0; rows <= RS_MR && at < keys; at += PAGE) {
        const struct page page = rs_page(layout, sequence, kv, stretch * PAGES + at / PAGE);
        const size_t here = rs_min(PAGE, keys - at);
        for (size_t c = 0; c < d; c += RS_NR) {
            rs_kv type = layout->type;
            struct columns_at columns = {
                .values = page.values + c * size, .stride = d,
                .scales = page.value_scales + c / RS_KV_GROUP, .scale_stride = groups};
            if (d - c < RS_NR) {
                widen_columns(layout, page, c, here, desk.wide);
                type = RS_KV_F32;
                columns = (struct columns_at){.values = (const char *)desk.wide, .stride = RS_NR};
            }
            weigh_panel(type, width, desk.p + at * width, columns, here, desk.sums + c, padded);
        }
    }
    for (size_t c = 0; rows > RS_MR && c < d; c += RS_NR) {
        for (size_t at = 0; at < keys; at += PAGE)
            widen_columns(layout, rs_page(layout, sequence, kv, stretch * PAGES + at / PAGE), c,
                          rs_min(PAGE, keys - at), desk.wide + at * RS_NR);
        const struct columns_at columns = {.values = (const char *)desk.wide, .stride = RS_NR};
        for (size_t row = 0; row < rows; row += RS_MR)
            weigh_panel(RS_KV_F32, panel_width(rs_min(RS_MR, rows - row)), desk.p + row * KEYS,
                        columns, keys, desk.sums + row * padded + c, padded);
    }
}

#define fold RS_LEVEL(fold)
/* Adds the sums of a stretch to those of the stretches before it. */
RS_INLINE void fold(const float *sums, float maximum, float weight, size_t padded, float *totals,
                    float *total_maximum, float *total_weight) {
    if (weight == 0) return;
    const float higher = maximum > *total_maximum ? maximum : *total_maximum;
    const float keep = expf(*total_maximum - higher), take = expf(maximum - higher);
    for (size_t c = 0; c < padded; c += RS_LANES)
        store(totals + c, load(totals + c) * splat(keep) + load(sums + c) * splat(take));
    *total_weight = *total_weight * keep + weight * take;
    *total_maximum = higher;
}

#define reduce_stretch RS_LEVEL(reduce_stretch)
/* Everything about one stretch for packed queries: desk.sums, and maximum and weight of each row.
   Row i sees seen[i] keys of the whole sequence. */
static void reduce_stretch(const struct job *job, const rs_kv_sequence *sequence, size_t kv,
                           size_t stretch, const size_t *seen, size_t rows, struct desk desk,
                           float *maximum, float *weight) {
    const rs_kv_layout *layout = &job->input->layout;
    const float *powers[ROWS];
    size_t keys = 0;
    for (size_t i = 0; i < rows; i++)
        keys = rs_max(keys, rs_min(KEYS, seen[i] - rs_min(seen[i], stretch * KEYS)));
    score_stretch(layout, sequence, kv, stretch, keys, rows, desk);
    for (size_t i = 0; i < rows; i++) {
        soften(desk.scores + i * KEYS,
               rs_min(KEYS, seen[i] - rs_min(seen[i], stretch * KEYS)), &maximum[i], &weight[i]);
        powers[i] = desk.scores + i * KEYS;
    }
    pack_rows(powers, rows, KEYS, 1, desk.p);
    weigh_stretch(layout, sequence, kv, stretch, keys, rows, job->padded, desk);
}

#define attend_rows RS_LEVEL(attend_rows)
/* Many rows: a block of them, over all stretches. */
static void attend_rows(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const rs_kv_attention_input *in = job->input;
    const rs_kv_sequence *sequence = job->sequence;
    const size_t d = in->layout.head_size, padded = job->padded, kv = tile % in->layout.heads;
    /* The last blocks see the most keys: they go first. */
    const size_t first = (job->blocks - 1 - tile / in->layout.heads) * ROWS;
    const size_t rows = rs_min(ROWS, sequence->rows * job->group - first);
    const struct desk desk = desk_on(scratch, d, padded);
    const float *queries[ROWS];
    size_t seen[ROWS], place[ROWS];
    float maximum[ROWS], weight[ROWS], total_maximum[ROWS], total_weight[ROWS];
    for (size_t i = 0; i < rows; i++) {
        const size_t query = (first + i) / job->group, head = (first + i) % job->group;
        place[i] = ((job->first_query + query) * in->heads + kv * job->group + head) * d;
        queries[i] = in->q + place[i];
        seen[i] = keys_seen(sequence, query);
        total_maximum[i] = -INFINITY, total_weight[i] = 0;
    }
    pack_rows(queries, rows, d, in->scale, desk.q);
    memset(desk.totals, 0, rows * padded * sizeof(float));
    for (size_t stretch = 0; stretch * KEYS < seen[rows - 1]; stretch++) {
        reduce_stretch(job, sequence, kv, stretch, seen, rows, desk, maximum, weight);
        for (size_t i = 0; i < rows; i++)
            fold(desk.sums + i * padded, maximum[i], weight[i], padded, desk.totals + i * padded,
                 &total_maximum[i], &total_weight[i]);
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < d; c++)
            in->out[place[i] + c] = desk.totals[i * padded + c] / total_weight[i];
}

#define attend_unit RS_LEVEL(attend_unit)
/* Few rows: one stretch of them. */
static void attend_unit(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const rs_kv_attention_input *in = job->input;
    const size_t d = in->layout.head_size, padded = job->padded, kv = tile % in->layout.heads;
    const size_t unit = tile / in->layout.heads;
    const struct span *span = job->spans;
    while (span + 1 < job->spans + job->span_count && unit >= span[1].first_unit) span++;
    const size_t stretch = span->first_stretch + (unit - span->first_unit) % span->stretches;
    const size_t block = (unit - span->first_unit) / span->stretches * ROWS;
    const size_t rows = rs_min(ROWS, span->rows - block);
    const struct desk desk = desk_on(scratch, d, padded);
    const float *queries[ROWS];
    size_t seen[ROWS], place[ROWS];
    float maximum[ROWS], weight[ROWS];
    for (size_t i = 0; i < rows; i++) {
        const size_t row = span->first_row + block + i;
        size_t query = row / job->group;
        place[i] = query * in->heads + kv * job->group + row % job->group;
        queries[i] = in->q + place[i] * d;
        const rs_kv_sequence *sequence = sequence_of(in, &query);
        seen[i] = keys_seen(sequence, query);
    }
    pack_rows(queries, rows, d, in->scale, desk.q);
    reduce_stretch(job, span->sequence, kv, stretch, seen, rows, desk, maximum, weight);
    for (size_t i = 0; i < rows; i++) {
        float *part = job->parts
                      + (place[i] * job->round_stretches + stretch - job->round_first)
                            * part_floats(job);
        memcpy(part, desk.sums + i * padded, padded * sizeof(float));
        part[padded] = maximum[i];
        part[padded + 1] = weight[i];
    }
}

#define fold_query RS_LEVEL(fold_query)
/* Folds the stretches of a round of one query, in their order. */
static void fold_query(void *context, size_t query, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_kv_attention_input *in = job->input;
    const size_t d = in->layout.head_size, padded = job->padded, size = part_floats(job);
    size_t place = query;
    const rs_kv_sequence *sequence = sequence_of(in, &place);
    const size_t stretches = rs_blocks(keys_seen(sequence, place), KEYS);
    const size_t end = rs_min(job->round_first + job->round_stretches, stretches);
    for (size_t row = query * in->heads; row < (query + 1) * in->heads; row++) {
        float *state = job->state + row * size;
        for (size_t stretch = job->round_first; stretch < end; stretch++) {
            const float *part =
                job->parts + (row * job->round_stretches + stretch - job->round_first) * size;
            fold(part, part[padded], part[padded + 1], padded, state, &state[padded],
                 &state[padded + 1]);
        }
        if (end < stretches || job->round_first >= stretches) continue;
        for (size_t c = 0; c < d; c++) in->out[row * d + c] = state[c] / state[padded + 1];
    }
}

#include "cached_shares_body.h"
