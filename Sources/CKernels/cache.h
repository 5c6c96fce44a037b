/* The pages of a cache, from inside. */

#ifndef REELSCRIBE_CACHE_H
#define REELSCRIBE_CACHE_H

#include "internal.h"

enum { PAGE = RS_KV_PAGE };

static inline size_t rs_kv_size(rs_kv type) {
    return type == RS_KV_F32 ? 4 : type == RS_KV_F16 ? 2 : 1;
}

/* Groups of a head of a token that have a scale each. */
static inline size_t rs_kv_groups(size_t head_size) { return rs_blocks(head_size, RS_KV_GROUP); }

/* The parts of a page. */
struct page {
    const char *keys;
    const char *values;
    const float *key_scales;
    const float *value_scales;
};

static inline struct page rs_page_parts(const rs_kv_layout *layout, const char *start) {
    const size_t half = PAGE * layout->head_size * rs_kv_size(layout->type);
    const float *scales = (const float *)(const void *)(start + 2 * half);
    return (struct page){.keys = start, .values = start + half, .key_scales = scales,
                         .value_scales = scales + PAGE * rs_kv_groups(layout->head_size)};
}

/* Page `number` of a head of a sequence. */
static inline const char *rs_page_start(const rs_kv_layout *layout, const rs_kv_sequence *sequence,
                                        size_t head, size_t number) {
    const bool is_shared = number < sequence->shared;
    const char *base = is_shared ? sequence->trunk : sequence->own;
    return base + head * layout->head_bytes
           + (number - (is_shared ? 0 : sequence->shared))
                 * rs_kv_page_bytes(layout->type, layout->head_size);
}

static inline struct page rs_page(const rs_kv_layout *layout, const rs_kv_sequence *sequence,
                                  size_t head, size_t number) {
    return rs_page_parts(layout, rs_page_start(layout, sequence, head, number));
}

/* The number that the cache holds; exact but for the one product of RS_KV_INT8. */
static inline float rs_kv_value(rs_kv type, const char *base, size_t index, float scale) {
    if (type == RS_KV_INT8) return (float)(int8_t)base[index] * scale;
    return rs_element(type == RS_KV_F32 ? RS_F32 : RS_F16, base, index);
}

static inline float rs_key(const rs_kv_layout *layout, struct page page, size_t place, size_t c) {
    const float scale = layout->type == RS_KV_INT8 ? page.key_scales[c / RS_KV_GROUP * PAGE + place] : 1;
    return rs_kv_value(layout->type, page.keys, c * PAGE + place, scale);
}

static inline float rs_value(const rs_kv_layout *layout, struct page page, size_t place, size_t c) {
    const size_t groups = rs_kv_groups(layout->head_size);
    const float scale =
        layout->type == RS_KV_INT8 ? page.value_scales[place * groups + c / RS_KV_GROUP] : 1;
    return rs_kv_value(layout->type, page.values, place * layout->head_size + c, scale);
}

#endif
