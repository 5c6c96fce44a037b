/* Keys and values into the pages of a cache, and out again. One version for all levels: it is a
   thousandth of the work of a pass. */

#include "cache.h"

/* The same bits wherever it is compiled for. */
#pragma clang fp contract(off)

size_t rs_kv_page_bytes(rs_kv type, size_t head_size) {
    const size_t scales = type == RS_KV_INT8 ? rs_kv_groups(head_size) * sizeof(float) : 0;
    return 2 * PAGE * (head_size * rs_kv_size(type) + scales);
}

struct job {
    const rs_kv_layout *layout;
    const rs_kv_sequence *sequences;
    size_t count;
    const float *k, *v;
};

/* Puts numbers `stride` apart; each group's scale `scale_stride` apart. */
static void put(rs_kv type, const float *x, size_t count, char *to, size_t stride, float *scales,
                size_t scale_stride) {
    if (type == RS_KV_F32) {
        for (size_t c = 0; c < count; c++) memcpy(to + c * stride * 4, x + c, 4);
        return;
    }
    if (type == RS_KV_F16) {
        for (size_t c = 0; c < count; c++) {
            const uint16_t half = rs_half_of_float(x[c]);
            memcpy(to + c * stride * 2, &half, 2);
        }
        return;
    }
    for (size_t first = 0; first < count; first += RS_KV_GROUP) {
        const size_t end = rs_min(first + RS_KV_GROUP, count);
        float peak = 0;
        for (size_t c = first; c < end; c++) {
            const float size = __builtin_fabsf(x[c]);
            peak = size > peak || size != size ? size : peak;
        }
        /* A group as good as empty is zeros; the scale carries on what is no number. */
        const float inverse = peak > 0x1p-120f && peak < __builtin_inff() ? 127 / peak : 0;
        scales[first / RS_KV_GROUP * scale_stride] = peak / 127;
        for (size_t c = first; c < end; c++) {
            const float scaled = inverse > 0 ? x[c] * inverse : 0;
            to[c * stride] = (char)(int8_t)((scaled + 0x1.8p23f) - 0x1.8p23f);
        }
    }
}

/* Stores the rows of one head. */
static void store_tile(void *context, size_t head, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_kv_layout *layout = job->layout;
    const size_t d = layout->head_size, size = rs_kv_size(layout->type);
    const size_t groups = rs_kv_groups(d);
    const float *k = job->k + head * d, *v = job->v + head * d;
    for (const rs_kv_sequence *s = job->sequences; s < job->sequences + job->count; s++)
        for (size_t token = s->length - s->rows; token < s->length; token++) {
            /* The same bytes as the sequence's own pages, which may be written. */
            char *start = s->own + head * layout->head_bytes
                          + (token / PAGE - s->shared)
                                * rs_kv_page_bytes(layout->type, layout->head_size);
            const size_t place = token % PAGE, half = PAGE * d * size;
            float *scales = (float *)(void *)(start + 2 * half);
            put(layout->type, k, d, start + place * size, PAGE, scales + place, PAGE);
            put(layout->type, v, d, start + half + place * d * size, 1,
                scales + (PAGE + place) * groups, 1);
            k += layout->heads * d;
            v += layout->heads * d;
        }
}

void rs_kv_store(rs_pool *pool, const rs_kv_layout *layout, const rs_kv_sequence *sequences,
                 size_t count, const float *k, const float *v) {
    struct job job = {.layout = layout, .sequences = sequences, .count = count, .k = k, .v = v};
    rs_pool_run(pool, store_tile, &job, layout->heads);
}

void rs_kv_clear(rs_kv type, size_t head_size, size_t place, void *page) {
    const size_t size = rs_kv_size(type), half = PAGE * head_size * size;
    const size_t groups = rs_kv_groups(head_size);
    char *keys = page;
    for (size_t c = 0; c < head_size; c++)
        memset(keys + (c * PAGE + place) * size, 0, (PAGE - place) * size);
    memset(keys + half + place * head_size * size, 0, (PAGE - place) * head_size * size);
    if (type != RS_KV_INT8) return;
    float *scales = (float *)(void *)(keys + 2 * half);
    for (size_t g = 0; g < groups; g++)
        memset(scales + g * PAGE + place, 0, (PAGE - place) * sizeof(float));
    memset(scales + (PAGE + place) * groups, 0, (PAGE - place) * groups * sizeof(float));
}

void rs_kv_expand(const rs_kv_layout *layout, const rs_kv_sequence *sequence, size_t head,
                  size_t token, bool is_value, float *out) {
    const struct page page = rs_page(layout, sequence, head, token / PAGE);
    for (size_t c = 0; c < layout->head_size; c++)
        out[c] = is_value ? rs_value(layout, page, token % PAGE, c)
                          : rs_key(layout, page, token % PAGE, c);
}
