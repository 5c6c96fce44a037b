#include "ckernels_resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The order and the rounding of each operation are part of the result: a product is fused with the addition after it
 * only where fma is written. */
#pragma STDC FP_CONTRACT OFF

/* Rows that go through the width pass together, a multiple of every vector length used. */
enum { LANES = 16 };
/* Output columns per step of the width pass: small enough for their input to stay in the first-level cache. */
enum { TILE = 64 };

static size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Taps whose products are rounded before they are added, the first one included; the rest are fused. */
static inline size_t unfused_taps(size_t count) { return 1 + (count - 1) / 4 * 4; }

/* Input columns [first, end) that the outputs [from, to) read. */
static size_t tile_end(const rs_resize_axis *x, size_t from, size_t to) {
    size_t end = 0;
    for (size_t i = from; i < to; i++) {
        const size_t own = (size_t)x->windows[i].first + (size_t)x->windows[i].count;
        end = own > end ? own : end;
    }
    return end;
}

/* How the caller's scratch is divided. Rows that went through the width pass wait in a ring until the height pass has
 * used them; a row is [3, plane]. */
typedef struct {
    size_t plane;      /* floats per channel of a row, a multiple of LANES */
    size_t row;        /* floats of a row */
    size_t ring_rows;  /* a multiple of LANES, so that a block of rows never wraps around */
    size_t work;       /* floats the width pass works in */
} layout;

static layout layout_of(const rs_resize_axis *x, const rs_resize_axis *y) {
    size_t taps = 1;
    if (y->input != y->output)
        for (size_t i = 0; i < y->output; i++)
            if ((size_t)y->windows[i].count > taps) taps = (size_t)y->windows[i].count;
    size_t span = 0;
    if (x->input != x->output)
        for (size_t i = 0; i < x->output; i += TILE) {
            const size_t own = tile_end(x, i, smaller(i + TILE, x->output)) - (size_t)x->windows[i].first;
            span = own > span ? own : span;
        }
    layout l;
    l.plane = round_up(x->output, LANES);
    l.row = 3 * l.plane;
    /* The oldest row still needed, the newest one needed, and the rest of the newest block. */
    l.ring_rows = round_up(taps + LANES - 1, LANES);
    l.work = LANES * (3 * TILE + round_up(3 * span, LANES));
    return l;
}

/* MARK: - Scalar */

/* The width pass over `rows` rows of the picture (at most LANES) into as many rows of the ring. */
static void width_scalar(const uint8_t *rgb, size_t rows, const rs_resize_axis *x, float *work, float *ring,
                         size_t row) {
    (void)work;
    const size_t plane = row / 3;
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *line = rgb + r * x->input * 3;
        float *out = ring + r * row;
        for (size_t i = 0; i < x->output; i++) {
            const float *w = x->weights + i * x->stride;
            const size_t count = (size_t)x->windows[i].count, unfused = unfused_taps(count);
            for (size_t c = 0; c < 3; c++) {
                const uint8_t *in = line + (size_t)x->windows[i].first * 3 + c;
                float sum = (float)in[0] * w[0];
                size_t t = 1;
                for (; t < unfused; t++) sum = sum + (float)in[3 * t] * w[t];
                for (; t < count; t++) sum = fmaf((float)in[3 * t], w[t], sum);
                out[c * plane + i] = sum;
            }
        }
    }
}

/* The height pass for one output row: a weighted sum of the rows of the ring from number `first` on. */
static void height_scalar(const float *ring, size_t ring_rows, size_t row, rs_resize_window window, const float *w,
                          float *out) {
    const size_t count = (size_t)window.count, unfused = unfused_taps(count);
    size_t slot = (size_t)window.first % ring_rows;
    for (size_t t = 0; t < count; t++) {
        const float *in = ring + slot * row;
        if (t == 0)
            for (size_t i = 0; i < row; i++) out[i] = in[i] * w[0];
        else if (t < unfused)
            for (size_t i = 0; i < row; i++) out[i] = out[i] + in[i] * w[t];
        else
            for (size_t i = 0; i < row; i++) out[i] = fmaf(in[i], w[t], out[i]);
        slot = slot + 1 == ring_rows ? 0 : slot + 1;
    }
}

/* Clamps, rounds half to even and normalises one channel of a row. */
static inline __attribute__((always_inline)) void normalise_body(float *values, size_t count, float offset,
                                                                 float divisor) {
    for (size_t i = 0; i < count; i++) {
        float v = values[i];
        v = v > 0.0f ? v : 0.0f;
        v = v < 255.0f ? v : 255.0f;
        /* Between 2^23 and 2^24 floats are the whole numbers, so the sum is rounded as asked. */
        v = (v + 0x1.8p23f) - 0x1.8p23f;
        values[i] = (v - offset) / divisor;
    }
}

static void normalise_scalar(float *values, size_t count, float offset, float divisor) {
    normalise_body(values, count, offset, divisor);
}

/* MARK: - Vectors */

#if defined(__x86_64__)

/* Sixteen rows side by side. The compiler splits these into the registers of the target. */
typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t whole_numbers __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint32_t quad __attribute__((vector_size(16), aligned(1), may_alias));

#define LOAD(pointer) (*(const lanes *)(pointer))
#define STORE(pointer, value) (*(lanes *)(pointer) = (value))
#define SPLAT(v) ((lanes){v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v})
#define FUSED(a, b, sum) __builtin_elementwise_fma(a, b, sum)

/* Transposes four by four words within each quarter of four vectors. */
static inline __attribute__((always_inline)) void transpose_quarters(words v[4]) {
    const words ab0 = __builtin_shufflevector(v[0], v[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const words ab1 = __builtin_shufflevector(v[0], v[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const words cd0 = __builtin_shufflevector(v[2], v[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const words cd1 = __builtin_shufflevector(v[2], v[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    v[0] = __builtin_shufflevector(ab0, cd0, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    v[1] = __builtin_shufflevector(ab0, cd0, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    v[2] = __builtin_shufflevector(ab1, cd1, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    v[3] = __builtin_shufflevector(ab1, cd1, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

/* Byte columns [from, to) of sixteen rows to floats [column, row]. Writes whole groups of sixteen columns. */
static inline __attribute__((always_inline)) void columns_of(const uint8_t *const line[LANES], size_t from, size_t to,
                                                             float *columns) {
    uint8_t tail[LANES][LANES];
    const uint8_t *in[LANES];
    for (; from < to; from += LANES, columns += LANES * LANES) {
        for (size_t r = 0; r < LANES; r++) in[r] = line[r] + from;
        if (to - from < LANES) {
            memset(tail, 0, sizeof tail);
            for (size_t r = 0; r < LANES; r++) in[r] = memcpy(tail[r], in[r], to - from);
        }
        /* A word is four columns of a row. Row 4q + r goes to quarter q of vector r; transposed, vector q holds the
         * same word of all rows, in order. */
        words v[4];
        for (size_t r = 0; r < 4; r++) {
            const quad a = *(const quad *)in[r], b = *(const quad *)in[4 + r];
            const quad c = *(const quad *)in[8 + r], d = *(const quad *)in[12 + r];
            v[r] = __builtin_shufflevector(__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7),
                                           __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7), 0, 1, 2, 3, 4, 5, 6,
                                           7, 8, 9, 10, 11, 12, 13, 14, 15);
        }
        transpose_quarters(v);
        for (size_t q = 0; q < 4; q++)
            for (size_t byte = 0; byte < 4; byte++) {
                const whole_numbers level = (whole_numbers)(v[q] >> (8 * (uint32_t)byte) & 255);
                STORE(columns + (4 * q + byte) * LANES, __builtin_convertvector(level, lanes));
            }
    }
}

/* Four columns [column, row] to four floats in each of sixteen rows. */
static inline __attribute__((always_inline)) void rows_of(const float *columns, float *out, size_t row) {
    words v[4];
    for (size_t c = 0; c < 4; c++) v[c] = (words)LOAD(columns + c * LANES);
    transpose_quarters(v);
    for (size_t r = 0; r < 4; r++) {
        *(quad *)(out + r * row) = __builtin_shufflevector(v[r], v[r], 0, 1, 2, 3);
        *(quad *)(out + (4 + r) * row) = __builtin_shufflevector(v[r], v[r], 4, 5, 6, 7);
        *(quad *)(out + (8 + r) * row) = __builtin_shufflevector(v[r], v[r], 8, 9, 10, 11);
        *(quad *)(out + (12 + r) * row) = __builtin_shufflevector(v[r], v[r], 12, 13, 14, 15);
    }
}

/* As width_scalar, but always fills LANES rows of the ring: those past the last row of the picture repeat it, and
 * are never read. */
static inline __attribute__((always_inline)) void width_body(const uint8_t *rgb, size_t rows, const rs_resize_axis *x,
                                                             float *work, float *ring, size_t row) {
    const uint8_t *line[LANES];
    for (size_t r = 0; r < LANES; r++) line[r] = rgb + smaller(r, rows - 1) * x->input * 3;
    float *const results = work, *const columns = work + LANES * 3 * TILE;

    for (size_t from = 0; from < x->output; from += TILE) {
        const size_t count = smaller(TILE, x->output - from), padded = round_up(count, 4);
        const size_t base = (size_t)x->windows[from].first;
        columns_of(line, 3 * base, 3 * tile_end(x, from, from + count), columns);

        for (size_t i = 0; i < count; i++) {
            const rs_resize_window window = x->windows[from + i];
            const float *w = x->weights + (from + i) * x->stride;
            const float *in = columns + ((size_t)window.first - base) * 3 * LANES;
            const size_t taps = (size_t)window.count, unfused = unfused_taps(taps);
            lanes red = LOAD(in) * SPLAT(w[0]);
            lanes green = LOAD(in + LANES) * SPLAT(w[0]);
            lanes blue = LOAD(in + 2 * LANES) * SPLAT(w[0]);
            size_t t = 1;
            for (; t < unfused; t++) {
                in += 3 * LANES;
                const lanes weight = SPLAT(w[t]);
                red = red + LOAD(in) * weight;
                green = green + LOAD(in + LANES) * weight;
                blue = blue + LOAD(in + 2 * LANES) * weight;
            }
            for (; t < taps; t++) {
                in += 3 * LANES;
                const lanes weight = SPLAT(w[t]);
                red = FUSED(LOAD(in), weight, red);
                green = FUSED(LOAD(in + LANES), weight, green);
                blue = FUSED(LOAD(in + 2 * LANES), weight, blue);
            }
            STORE(results + i * LANES, red);
            STORE(results + (TILE + i) * LANES, green);
            STORE(results + (2 * TILE + i) * LANES, blue);
        }
        for (size_t c = 0; c < 3; c++) {
            float *channel = results + c * TILE * LANES;
            memset(channel + count * LANES, 0, (padded - count) * LANES * sizeof(float));
            for (size_t i = 0; i < padded; i += 4)
                rows_of(channel + i * LANES, ring + c * (row / 3) + from + i, row);
        }
    }
}

/* As height_scalar. A row is a multiple of 3 * LANES floats. */
static inline __attribute__((always_inline)) void height_body(const float *ring, size_t ring_rows, size_t row,
                                                              rs_resize_window window, const float *w, float *out) {
    const size_t taps = (size_t)window.count, unfused = unfused_taps(taps);
    const size_t start = (size_t)window.first % ring_rows;
    for (size_t i = 0; i < row; i += 3 * LANES) {
        size_t slot = start;
        const float *in = ring + slot * row + i;
        lanes a = LOAD(in) * SPLAT(w[0]);
        lanes b = LOAD(in + LANES) * SPLAT(w[0]);
        lanes c = LOAD(in + 2 * LANES) * SPLAT(w[0]);
        size_t t = 1;
        for (; t < unfused; t++) {
            slot = slot + 1 == ring_rows ? 0 : slot + 1;
            in = ring + slot * row + i;
            const lanes weight = SPLAT(w[t]);
            a = a + LOAD(in) * weight;
            b = b + LOAD(in + LANES) * weight;
            c = c + LOAD(in + 2 * LANES) * weight;
        }
        for (; t < taps; t++) {
            slot = slot + 1 == ring_rows ? 0 : slot + 1;
            in = ring + slot * row + i;
            const lanes weight = SPLAT(w[t]);
            a = FUSED(LOAD(in), weight, a);
            b = FUSED(LOAD(in + LANES), weight, b);
            c = FUSED(LOAD(in + 2 * LANES), weight, c);
        }
        STORE(out + i, a);
        STORE(out + i + LANES, b);
        STORE(out + i + 2 * LANES, c);
    }
}

#define VERSIONS(level, features)                                                                                    \
    __attribute__((target(features))) static void width_##level(                                                     \
        const uint8_t *rgb, size_t rows, const rs_resize_axis *x, float *work, float *ring, size_t row) {            \
        width_body(rgb, rows, x, work, ring, row);                                                                   \
    }                                                                                                                \
    __attribute__((target(features))) static void height_##level(                                                    \
        const float *ring, size_t ring_rows, size_t row, rs_resize_window window, const float *w, float *out) {      \
        height_body(ring, ring_rows, row, window, w, out);                                                           \
    }                                                                                                                \
    __attribute__((target(features))) static void normalise_##level(float *values, size_t count, float offset,       \
                                                                    float divisor) {                                 \
        normalise_body(values, count, offset, divisor);                                                              \
    }

VERSIONS(avx2, "avx2,fma")
VERSIONS(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#endif

/* MARK: - Levels */

typedef struct {
    void (*width)(const uint8_t *rgb, size_t rows, const rs_resize_axis *x, float *work, float *ring, size_t row);
    void (*height)(const float *ring, size_t ring_rows, size_t row, rs_resize_window window, const float *w,
                   float *out);
    void (*normalise)(float *values, size_t count, float offset, float divisor);
} passes;

static const passes levels[] = {
    [RS_RESIZE_SCALAR] = {width_scalar, height_scalar, normalise_scalar},
#if defined(__x86_64__)
    [RS_RESIZE_AVX2] = {width_avx2, height_avx2, normalise_avx2},
    [RS_RESIZE_AVX512] = {width_avx512, height_avx512, normalise_avx512},
#endif
};

int rs_resize_supported(rs_resize_isa isa) {
    switch (isa) {
    case RS_RESIZE_SCALAR:
        return 1;
#if defined(__x86_64__)
    case RS_RESIZE_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case RS_RESIZE_AVX512:
        return rs_resize_supported(RS_RESIZE_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    default:
        return 0;
    }
}

rs_resize_isa rs_resize_best(void) {
    const char *asked = getenv("REELSCRIBE_ISA");
    rs_resize_isa isa = RS_RESIZE_AVX512;
    if (asked && strcmp(asked, "scalar") == 0) isa = RS_RESIZE_SCALAR;
    if (asked && strcmp(asked, "avx2") == 0) isa = RS_RESIZE_AVX2;
    while (!rs_resize_supported(isa)) isa--;
    return isa;
}

/* MARK: - The whole */

size_t rs_resize_scratch(const rs_resize_axis *x, const rs_resize_axis *y) {
    const layout l = layout_of(x, y);
    return (l.ring_rows + 1) * l.row + l.work;
}

/* The width pass where the width stays: channels apart, levels as floats. */
static void separate(const uint8_t *rgb, size_t rows, size_t width, float *ring, size_t row) {
    const size_t plane = row / 3;
    for (size_t r = 0; r < rows; r++, ring += row)
        for (size_t i = 0; i < width; i++, rgb += 3) {
            ring[i] = rgb[0];
            ring[plane + i] = rgb[1];
            ring[2 * plane + i] = rgb[2];
        }
}

/* Takes output row number `y`, [3, plane], which it may change. */
typedef void sink(const void *context, size_t y, float *row, size_t plane);

static void resize(const passes *pass, const uint8_t *rgb, const rs_resize_axis *x, const rs_resize_axis *y,
                   float *scratch, sink *take, const void *context) {
    const layout l = layout_of(x, y);
    float *const ring = scratch, *const out = ring + l.ring_rows * l.row, *const work = out + l.row;
    /* The padding of a row goes through the height pass with the rest. */
    memset(ring, 0, l.ring_rows * l.row * sizeof(float));

    size_t done = 0; /* rows that went through the width pass */
    for (size_t i = 0; i < y->output; i++) {
        const int whole = y->input == y->output;
        const rs_resize_window window = whole ? (rs_resize_window){(int32_t)i, 1} : y->windows[i];
        while (done < (size_t)window.first + (size_t)window.count) {
            const size_t rows = smaller(LANES, y->input - done);
            const uint8_t *in = rgb + done * x->input * 3;
            float *block = ring + done % l.ring_rows * l.row;
            if (x->input == x->output)
                separate(in, rows, x->input, block, l.row);
            else
                pass->width(in, rows, x, work, block, l.row);
            done += rows;
        }
        if (whole)
            memcpy(out, ring + i % l.ring_rows * l.row, l.row * sizeof(float));
        else
            pass->height(ring, l.ring_rows, l.row, window, y->weights + i * y->stride, out);
        take(context, i, out, l.plane);
    }
}

typedef struct {
    size_t width, height;
    float *planes;
} plane_context;

static void take_planes(const void *context, size_t y, float *row, size_t plane) {
    const plane_context *to = context;
    for (size_t c = 0; c < 3; c++)
        memcpy(to->planes + (c * to->height + y) * to->width, row + c * plane, to->width * sizeof(float));
}

void rs_resize_planes(rs_resize_isa isa, const uint8_t *rgb, const rs_resize_axis *x, const rs_resize_axis *y,
                      float *scratch, float *planes) {
    const plane_context to = {x->output, y->output, planes};
    resize(&levels[isa], rgb, x, y, scratch, take_planes, &to);
}

typedef struct {
    const passes *pass;
    const rs_patch_target *target;
    size_t across; /* patches from left to right */
} patch_context;

/* Copies a short run without a call: in steps of eight, the last of which may overlap the one before. */
static inline void copy_run(float *out, const float *in, size_t count) {
    if (count < 8) {
        for (size_t i = 0; i < count; i++) out[i] = in[i];
        return;
    }
    for (size_t i = 0; i + 8 < count; i += 8) memcpy(out + i, in + i, 8 * sizeof(float));
    memcpy(out + count - 8, in + count - 8, 8 * sizeof(float));
}

static void take_patches(const void *context, size_t y, float *row, size_t plane) {
    const patch_context *to = context;
    const rs_patch_target *t = to->target;
    const size_t merge = t->merge, side = t->patch, length = 3 * t->frames * side * side;
    const size_t down = y / side;
    for (size_t c = 0; c < 3; c++) {
        const float *in = row + c * plane;
        to->pass->normalise(row + c * plane, to->across * side, t->offset[c], t->divisor[c]);
        float *column = t->rows + ((c * t->frames + t->frame) * side + y % side) * side;
        for (size_t p = 0; p < to->across; p++, in += side) {
            const size_t block = down / merge * (to->across / merge) + p / merge;
            float *out = column + ((block * merge + down % merge) * merge + p % merge) * length;
            /* The rows below go to lines that nothing has touched yet; asked for now, they are there in time. */
            __builtin_prefetch((const void *)((uintptr_t)out + 3 * side * sizeof(float)), 1);
            copy_run(out, in, side);
        }
    }
}

void rs_resize_patches(rs_resize_isa isa, const uint8_t *rgb, const rs_resize_axis *x, const rs_resize_axis *y,
                       float *scratch, const rs_patch_target *target) {
    const patch_context to = {&levels[isa], target, x->output / target->patch};
    resize(to.pass, rgb, x, y, scratch, take_patches, &to);
}
