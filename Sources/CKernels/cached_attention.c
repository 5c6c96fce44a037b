/* Attention of new tokens to a cache: a running softmax over stretches of the keys, read as they are
   stored. The query heads that share a key head are rows of one product.

   A stretch always begins at a multiple of STRETCH and is reduced by itself; stretches are folded in
   their order. Few rows (decoding): a tile of work is one stretch, which is folded with the others
   at the end; what sequences share is read once for all of them. Many rows (prefill): a tile is a
   block of rows and walks over its stretches. Both do the same operations on a row. */

#include <math.h>

#include "cache.h"

enum {
    KEYS = 256,              /* of a stretch */
    PAGES = KEYS / PAGE,     /* of a stretch */
    ROWS = 126,              /* of a tile: a multiple of the panels of AVX2 and AVX-512 */
    PLACES = 16,             /* sums of weights that every level has */
    FEW_QUERIES = 16,        /* of one sequence */
    COLUMNS = RS_KV_GROUP,   /* sums are padded to a multiple of them */
};

/* Rows that see stretches of one sequence, or those that several sequences share. A row is a query
   and one of the heads of a group: query * group + head. */
struct span {
    const rs_kv_sequence *sequence; /* the pages to read */
    size_t first_row, rows;
    size_t first_stretch, stretches;
    size_t first_unit; /* a unit is one stretch for one block of rows */
};

struct job {
    const rs_kv_attention_input *input;
    size_t group, padded;
    /* Many rows. */
    const rs_kv_sequence *sequence;
    size_t blocks;
    size_t first_query;
    /* Few rows. */
    struct span spans[RS_KV_MAX_SEQUENCES + 1];
    size_t span_count;
    size_t round_first, round_stretches;
    float *parts; /* [queries][heads][round_stretches][part] */
    float *state; /* [queries][heads][part]: sums, then maximum and weight */
};

static inline size_t part_floats(const struct job *job) { return job->padded + PLACES; }

/* Keys that a query of a sequence sees. */
static inline size_t keys_seen(const rs_kv_sequence *sequence, size_t query) {
    return sequence->length - sequence->rows + query + 1;
}

/* The sequence that a query of the whole call belongs to; `query` becomes its place in it. */
static inline const rs_kv_sequence *sequence_of(const rs_kv_attention_input *in, size_t *query) {
    const rs_kv_sequence *sequence = in->sequences;
    while (*query >= sequence->rows) *query -= (sequence++)->rows;
    return sequence;
}

/* How attention falls on runs of tokens. */
struct shares_job {
    const rs_kv_shares_input *input;
    size_t group;
    size_t round_first, round_stretches;
    float *parts; /* [heads][round_stretches][KEYS + 2]: powers, maximum, weight */
};

enum { SHARE_PART = KEYS + 2 };

static inline float *share_part(const struct shares_job *job, size_t head, size_t stretch) {
    return job->parts
           + (head * job->round_stretches + stretch - job->round_first) * SHARE_PART;
}

#define RS_BODY "cached_attention_body.h"
#include "each_level.h"

/* The plain version: one query head at a time, sums in 64 bits. */

static double plain_score(const rs_kv_layout *layout, struct page page, size_t place,
                          const float *q) {
    double score = 0;
    for (size_t c = 0; c < layout->head_size; c++)
        score += (double)q[c] * rs_key(layout, page, place, c);
    return score;
}

static void attend_plain(void *context, size_t query, void *scratch) {
    const struct job *job = context;
    const rs_kv_attention_input *in = job->input;
    const rs_kv_layout *layout = &in->layout;
    const size_t d = layout->head_size;
    size_t place = query;
    const rs_kv_sequence *sequence = sequence_of(in, &place);
    double *sum = scratch;
    for (size_t head = 0; head < in->heads; head++) {
        const size_t kv = head / job->group;
        const float *q = in->q + (query * in->heads + head) * d;
        float *out = in->out + (query * in->heads + head) * d;
        double maximum = -INFINITY, weight = 0;
        for (size_t c = 0; c < d; c++) sum[c] = 0;
        for (size_t j = 0; j < keys_seen(sequence, place); j++) {
            const struct page page = rs_page(layout, sequence, kv, j / PAGE);
            const double score = plain_score(layout, page, j % PAGE, q) * in->scale;
            const double higher = score > maximum ? score : maximum;
            const double keep = exp(maximum - higher), p = exp(score - higher);
            for (size_t c = 0; c < d; c++)
                sum[c] = sum[c] * keep + p * rs_value(layout, page, j % PAGE, c);
            weight = weight * keep + p;
            maximum = higher;
        }
        for (size_t c = 0; c < d; c++) out[c] = (float)(sum[c] / weight);
    }
}

static void attend_many(rs_pool *pool, struct job *job) {
    const rs_level level = rs_pool_level(pool);
    for (size_t i = 0; i < job->input->count; i++) {
        job->sequence = job->input->sequences + i;
        job->blocks = rs_blocks(job->sequence->rows * job->group, ROWS);
        rs_pool_run_held(pool, RS_CHOOSE_VECTOR(level, attend_rows), job,
                         job->input->layout.heads * job->blocks);
        job->first_query += job->sequence->rows;
    }
}

/* Plans which stretches are read for which rows; returns the units of the round. */
static size_t plan_round(struct job *job) {
    const rs_kv_attention_input *in = job->input;
    const size_t end = job->round_first + job->round_stretches;
    size_t queries = 0, shared = SIZE_MAX, units = 0;
    for (size_t i = 0; i < in->count; i++) {
        queries += in->sequences[i].rows;
        shared = rs_min(shared, in->sequences[i].shared / PAGES);
    }
    if (in->count == 1) shared = 0;
    job->span_count = 0;
    struct span common = {.sequence = in->sequences, .rows = queries * job->group,
                          .first_stretch = job->round_first};
    if (shared > job->round_first) {
        common.stretches = rs_min(shared, end) - job->round_first;
        units = common.stretches * rs_blocks(common.rows, ROWS);
        job->spans[job->span_count++] = common;
    }
    size_t query = 0;
    for (size_t i = 0; i < in->count; i++) {
        const rs_kv_sequence *sequence = in->sequences + i;
        const size_t first = rs_max(shared, job->round_first);
        const size_t last = rs_min(rs_blocks(sequence->length, KEYS), end);
        if (first < last) {
            const struct span own = {
                .sequence = sequence, .first_row = query * job->group,
                .rows = sequence->rows * job->group, .first_stretch = first,
                .stretches = last - first, .first_unit = units};
            units += own.stretches * rs_blocks(own.rows, ROWS);
            job->spans[job->span_count++] = own;
        }
        query += sequence->rows;
    }
    return units;
}

void rs_kv_attention(rs_pool *pool, const rs_kv_attention_input *input) {
    const rs_level level = rs_pool_level(pool);
    struct job job = {.input = input, .group = input->heads / input->layout.heads,
                      .padded = rs_blocks(input->layout.head_size, COLUMNS) * COLUMNS};
    size_t queries = 0, most = 0, stretches = 0;
    for (size_t i = 0; i < input->count; i++) {
        queries += input->sequences[i].rows;
        most = rs_max(most, input->sequences[i].rows);
        stretches = rs_max(stretches, rs_blocks(input->sequences[i].length, KEYS));
    }
    if (level == RS_SCALAR) {
        rs_pool_run(pool, attend_plain, &job, queries);
        return;
    }
    rs_pool_hold(pool);
    const size_t row = queries * input->heads * part_floats(&job);
    const size_t fits = RS_SHARED_BYTES / sizeof(float) / row;
    if (most > FEW_QUERIES || fits < 2) {
        attend_many(pool, &job);
        rs_pool_let_go(pool);
        return;
    }
    job.state = rs_pool_shared(pool);
    job.parts = job.state + row;
    for (size_t i = 0; i < queries * input->heads; i++) {
        float *state = job.state + i * part_floats(&job);
        memset(state, 0, part_floats(&job) * sizeof(float));
        state[job.padded] = -INFINITY;
    }
    job.round_stretches = rs_min(stretches, fits - 1);
    for (; job.round_first < stretches; job.round_first += job.round_stretches) {
        const size_t units = plan_round(&job);
        rs_pool_run_held(pool, RS_CHOOSE_VECTOR(level, attend_unit), &job,
                         units * input->layout.heads);
        rs_pool_run_held(pool, RS_CHOOSE_VECTOR(level, fold_query), &job, queries);
    }
    rs_pool_let_go(pool);
}

/* How attention falls on runs of tokens. */

static void share_stretch_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct shares_job *job = context;
    const rs_kv_shares_input *in = job->input;
    const size_t stretch = job->round_first + tile / in->layout.heads;
    const size_t kv = tile % in->layout.heads;
    const size_t keys = rs_min(KEYS, in->sequence.length - stretch * KEYS);
    for (size_t head = kv * job->group; head < (kv + 1) * job->group; head++) {
        float *part = share_part(job, head, stretch);
        double scores[KEYS], maximum = -INFINITY, weight = 0;
        for (size_t j = 0; j < keys; j++) {
            const struct page page =
                rs_page(&in->layout, &in->sequence, kv, stretch * PAGES + j / PAGE);
            scores[j] = plain_score(&in->layout, page, j % PAGE,
                                    in->q + head * in->layout.head_size)
                        * in->scale;
            maximum = scores[j] > maximum ? scores[j] : maximum;
        }
        for (size_t j = 0; j < keys; j++) {
            part[j] = (float)exp(scores[j] - maximum);
            weight += exp(scores[j] - maximum);
        }
        part[KEYS] = (float)maximum;
        part[KEYS + 1] = (float)weight;
    }
}

/* Adds the stretches of a round to what a head's shares are so far, relative to its maximum. */
static void fold_shares(const struct shares_job *job, size_t head, float state[2]) {
    const rs_kv_shares_input *in = job->input;
    const size_t watched_end = in->first + in->groups * in->group_tokens;
    const size_t stretches = rs_blocks(in->sequence.length, KEYS);
    const size_t end = rs_min(job->round_first + job->round_stretches, stretches);
    float *shares = in->shares + head * in->groups;
    for (size_t stretch = job->round_first; stretch < end; stretch++) {
        const float *part = share_part(job, head, stretch);
        const float higher = part[KEYS] > state[0] ? part[KEYS] : state[0];
        const float keep = expf(state[0] - higher), take = expf(part[KEYS] - higher);
        if (keep != 1)
            for (size_t g = 0; g < in->groups; g++) shares[g] *= keep;
        state[0] = higher;
        state[1] = state[1] * keep + part[KEYS + 1] * take;
        const size_t first = rs_max(in->first, stretch * KEYS);
        const size_t last = rs_min(watched_end, (stretch + 1) * KEYS);
        for (size_t token = first; token < last; token++)
            shares[(token - in->first) / in->group_tokens] += part[token - stretch * KEYS] * take;
    }
}

void rs_kv_shares(rs_pool *pool, const rs_kv_shares_input *input) {
    struct shares_job job = {.input = input, .group = input->heads / input->layout.heads};
    const size_t stretches = rs_blocks(input->sequence.length, KEYS);
    rs_pool_hold(pool);
    float *states = rs_pool_shared(pool); /* [heads][2] */
    job.parts = states + 2 * input->heads;
    const size_t floats = RS_SHARED_BYTES / sizeof(float) - 2 * input->heads;
    job.round_stretches = rs_min(stretches, floats / (input->heads * SHARE_PART));
    for (size_t i = 0; i < input->heads * input->groups; i++) input->shares[i] = 0;
    for (size_t head = 0; head < input->heads; head++)
        states[2 * head] = -INFINITY, states[2 * head + 1] = 0;
    for (; job.round_first < stretches; job.round_first += job.round_stretches) {
        const size_t here = rs_min(job.round_stretches, stretches - job.round_first);
        rs_pool_run_held(pool, RS_CHOOSE(rs_pool_level(pool), share_stretch), &job,
                         here * input->layout.heads);
        for (size_t head = 0; head < input->heads; head++)
            fold_shares(&job, head, states + 2 * head);
    }
    for (size_t head = 0; head < input->heads; head++)
        for (size_t g = 0; g < input->groups; g++)
            input->shares[head * input->groups + g] /= states[2 * head + 1];
    rs_pool_let_go(pool);
}
