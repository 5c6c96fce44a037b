#ifndef REELSCRIBE_CKERNELS_CACHE_H
#define REELSCRIBE_CKERNELS_CACHE_H

#include <stdint.h>

#include "ckernels_pool.h"

/* Keys and values of past tokens, and attention that reads them as they are stored. */

/* How a cache stores its numbers. */
typedef enum {
    RS_KV_F32 = 0,
    /* Rounded to nearest, ties to even; what is too large is the largest finite number. */
    RS_KV_F16 = 1,
    /* -127 ... 127 times a 32-bit scale for each RS_KV_GROUP numbers of a head of a token. */
    RS_KV_INT8 = 2,
} rs_kv;

/* Tokens of a page. */
#define RS_KV_PAGE ((size_t)32)
/* Numbers that share a scale. */
#define RS_KV_GROUP ((size_t)32)

/* Bytes of a page: RS_KV_PAGE tokens of one head. First the keys [head_size][RS_KV_PAGE], then the
   values [RS_KV_PAGE][head_size]; for RS_KV_INT8 the scales of the keys [groups][RS_KV_PAGE] and of
   the values [RS_KV_PAGE][groups] after them. A multiple of 64. */
size_t rs_kv_page_bytes(rs_kv type, size_t head_size);

/* Where one layer keeps one sequence. The pages of a head follow each other. The first `shared`
   pages are others' as well; the rest is the sequence's own. */
typedef struct {
    const char *trunk; /* page 0 of head 0 */
    char *own;         /* page `shared` of head 0; not read where there is none */
    size_t shared;     /* pages */
    size_t length;     /* tokens; where it is read by attention, those of the queries included */
    size_t rows;       /* of the keys and values to store, or of the queries: the last of length */
} rs_kv_sequence;

/* The layout that all sequences of a call have in common. */
typedef struct {
    rs_kv type;
    size_t heads; /* of keys and values */
    size_t head_size;
    size_t head_bytes; /* from a page of one head to the same of the next, trunk and own alike */
} rs_kv_layout;

/* Stores the keys and values of each sequence's last `rows` tokens in its own pages. Rows of k and v
   lie [rows][heads * head_size], the sequences' one after the other. The result does not depend on
   the level. */
void rs_kv_store(rs_pool *pool, const rs_kv_layout *layout, const rs_kv_sequence *sequences,
                 size_t count, const float *k, const float *v);

/* Makes zeros of all places of a page from `place` on, so that what it holds says nothing of before. */
void rs_kv_clear(rs_kv type, size_t head_size, size_t place, void *page);

/* Key or value of one token of one head as f32, out [head_size]. */
void rs_kv_expand(const rs_kv_layout *layout, const rs_kv_sequence *sequence, size_t head,
                  size_t token, bool is_value, float *out);

/* Sequences of one call at most. */
#define RS_KV_MAX_SEQUENCES ((size_t)64)

/* softmax(scale q kT) v of the last `rows` tokens of each sequence, each of which sees the tokens up
   to itself. Query head h reads key and value head h / (heads / layout.heads). Rows of q and out lie
   as those of rs_kv_store, [rows][heads * head_size].

   A row gives the same bits whatever rows and sequences it is computed with, whether its pages are
   shared, and on all vector levels: the keys are taken in stretches of fixed size. Where sequences
   have shared pages, all of these must be the same. */
typedef struct {
    rs_kv_layout layout;
    const rs_kv_sequence *sequences;
    size_t count;
    const float *q;
    float *out;
    size_t heads;
    float scale;
} rs_kv_attention_input;

void rs_kv_attention(rs_pool *pool, const rs_kv_attention_input *input);

/* How much of one query's softmax(scale q kT) over the `length` tokens of a sequence falls on each of
   `groups` runs of `group_tokens` tokens, the first of which begins at token `first`. */
typedef struct {
    rs_kv_layout layout;
    rs_kv_sequence sequence; /* `rows` is not read */
    const float *q;          /* head h: q + h * head_size */
    size_t heads;
    float scale;
    size_t first;
    size_t group_tokens;
    size_t groups;
    float *shares; /* [heads][groups] */
} rs_kv_shares_input;

void rs_kv_shares(rs_pool *pool, const rs_kv_shares_input *input);

#endif
