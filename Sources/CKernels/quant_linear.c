/* rs_quant_linear: rows of x are quantised and laid out in panels in the pool's shared memory;
   then each tile of outputs runs over all panels. A single panel, as in decoding, reads the packed
   weights as they are; for several, a stretch of weights is unpacked once into the memory of the
   thread that uses it, where that saves work. */

#include "quant.h"
#include "tiles.h"

enum {
    PANEL_ROWS = 6,
    DEPTH_GROUPS = 16,  /* groups at a time: their weights stay in the first cache */
    BLOCK_ROWS = 768,   /* rows that share unpacked weights */
    TILE_BLOCKS = 8,    /* blocks of outputs in one tile of work */
    FEW_TILE_BLOCKS = 4,
    PANEL_TILE = 4,     /* panels that one tile of work quantises */
    TILE_LEAST_ROWS = 24, /* fewer are bound by reading weights */
};

/* How the quantised rows lie: the four numbers of a quad as signed bytes, as bytes 128 higher, as
   bytes 64 higher of numbers from -64 to 64, or as 16-bit numbers in the order 0, 2, 1, 3; or no quads
   of several rows, but each row's signed bytes one after the other. */
enum quads { SIGNED, RAISED, HALVED, WIDE, IN_ROWS };

struct job {
    const float *x;
    const char *packed;
    const float *bias;
    float *y;
    size_t rows, columns, outputs, groups, panels;
    size_t tile_blocks;
    rs_quant type;
    enum quads layout;
    bool adding;
    char *quads;   /* [panels][groups][QUADS][PANEL_ROWS][4 or 8 bytes], or
                      [panels][groups][TILE_ROWS][GROUP] */
    float *scales; /* [panels][groups][PANEL_ROWS] */
    float *sums;   /* the same: the scale times the sum of the group's numbers */
};

static inline size_t quad_bytes(enum quads layout) { return layout == WIDE ? 8 : 4; }
static inline size_t group_bytes(enum quads layout) {
    return QUADS * PANEL_ROWS * quad_bytes(layout);
}

static inline const char *block_at(const struct job *job, size_t block, size_t group) {
    return job->packed + (block * job->groups + group) * rs_block_bytes(job->type);
}

/* The largest number of a group once it is rounded. */
static inline float steps_of(enum quads layout) { return layout == HALVED ? 64 : 127; }

/* steps / peak; 0 where the group is as good as empty, or holds what is no number: the scale then
   carries that on. */
static inline float inverse_of(float peak, float steps) {
    return peak > 0x1p-120f && peak < __builtin_inff() ? steps / peak : 0;
}

/* What the sum over groups begins with. */
static inline float first_of(const struct job *job, size_t row, size_t n) {
    return (job->adding ? job->y[row * job->outputs + n] : 0) + (job->bias ? job->bias[n] : 0);
}

static inline void put_quad(enum quads layout, const int8_t q[4], char *to) {
    if (layout == WIDE) {
        const int16_t wide[4] = {q[0], q[2], q[1], q[3]};
        memcpy(to, wide, sizeof wide);
    } else {
        uint32_t bits;
        memcpy(&bits, q, sizeof bits);
        if (layout == RAISED) bits ^= 0x80808080;
        if (layout == HALVED) bits = (bits ^ 0x80808080) - 0x40404040;
        memcpy(to, &bits, sizeof bits);
    }
}

/* How a panel finds the weights: as they are, for it alone; as they are, for several panels; or
   unpacked, where that pays. */
enum state { ALONE, SHARED, UNPACKED };

/* Several panels take so long with a stretch that asking late, and while all of them read it, is
   what keeps the memory busy. */
static inline void ask_ahead(enum state state, const char *at) {
    enum { AHEAD = 3072 };
    if (state == ALONE) rs_ask_ahead(at, RS_NEAR, RS_FAR);
    else __builtin_prefetch(at + AHEAD, 0, 3);
}

/* The plain version: also the oracle of the others. */

static void quantise_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * PANEL_TILE, job->panels);
    for (size_t p = tile * PANEL_TILE; p < end; p++)
        for (size_t g = 0; g < job->groups; g++)
            for (size_t r = 0; r < PANEL_ROWS; r++) {
                const size_t row = p * PANEL_ROWS + r;
                const size_t depth =
                    row < job->rows ? rs_min(GROUP, job->columns - g * GROUP) : 0;
                const float *x = job->x + row * job->columns + g * GROUP;
                float peak = 0;
                for (size_t k = 0; k < depth; k++) {
                    const float size = __builtin_fabsf(x[k]);
                    peak = size > peak || size != size ? size : peak;
                }
                const float steps = steps_of(job->layout);
                const float inverse = inverse_of(peak, steps);
                int8_t q[GROUP] = {0};
                int sum = 0;
                for (size_t k = 0; k < depth && inverse > 0; k++) {
                    const float scaled = x[k] * inverse;
                    q[k] = (int8_t)((scaled + 0x1.8p23f) - 0x1.8p23f);
                    sum += q[k];
                }
                const size_t at = (p * job->groups + g) * PANEL_ROWS + r;
                job->scales[at] = peak / steps;
                job->sums[at] = peak / steps * (float)sum;
                char *to = job->quads + (p * job->groups + g) * group_bytes(job->layout);
                for (size_t k = 0; k < QUADS; k++)
                    put_quad(job->layout, q + 4 * k,
                             to + (k * PANEL_ROWS + r) * quad_bytes(job->layout));
            }
}

static void quant_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t first = tile * job->tile_blocks * OUTPUTS;
    const size_t end = rs_min(first + job->tile_blocks * OUTPUTS, job->outputs);
    const int raised = job->layout == HALVED ? 64 : 0;
    for (size_t row = 0; row < job->rows; row++)
        for (size_t n = first; n < end; n++) {
            const size_t p = row / PANEL_ROWS, r = row % PANEL_ROWS, lane = n % OUTPUTS;
            float sum = first_of(job, row, n);
            for (size_t g = 0; g < job->groups; g++) {
                const char *block = block_at(job, n / OUTPUTS, g);
                const char *x = job->quads + (p * job->groups + g) * group_bytes(SIGNED);
                int32_t product = 0;
                for (size_t k = 0; k < GROUP; k++) {
                    const size_t quad = k / 4;
                    const int8_t a =
                        (int8_t)(x[(quad * PANEL_ROWS + r) * 4 + k % 4] - raised);
                    int w;
                    if (job->type == RS_INT8) {
                        w = (int8_t)block[(quad * OUTPUTS + lane) * 4 + k % 4];
                    } else {
                        const uint8_t byte =
                            (uint8_t)block[(quad % (QUADS / 2) * OUTPUTS + lane) * 4 + k % 4];
                        w = quad < QUADS / 2 ? byte & 15 : byte >> 4;
                    }
                    product += a * w;
                }
                uint16_t factors[2][OUTPUTS];
                memcpy(factors, block + (job->type == RS_INT8 ? INT8_BYTES : INT4_BYTES),
                       sizeof factors);
                const size_t at = (p * job->groups + g) * PANEL_ROWS + r;
                const float scale = rs_float_of_half(factors[0][lane]) * job->scales[at];
                sum = __builtin_fmaf((float)product, scale, sum);
                if (job->type == RS_INT4)
                    sum = __builtin_fmaf(rs_float_of_half(factors[1][lane]), job->sums[at], sum);
            }
            job->y[row * job->outputs + n] = sum;
        }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define RS_LANES 8
#define RS_LEVEL(name) name##_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector.h"
#include "quant_rows_body.h"
#include "quant_avx2.h"
#pragma clang attribute pop
#undef RS_LANES
#undef RS_LEVEL

#define RS_LANES 16
#define RS_LEVEL(name) name##_vnni
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))),        \
    apply_to = function)
#include "vector.h"
#include "quant_rows_body.h"
#include "quant_vnni.h"
#include "quant_tiles.h"

#define RS_TILES(name) name##_soft
#define RS_TILES_BEGIN struct rs_soft_tiles soft;
#define RS_TILES_END
#define RS_TILE_ZERO(tile) rs_soft_zero(&soft, tile)
#define RS_TILE_LOAD(tile, from, stride) rs_soft_load(&soft, tile, from, stride)
#define RS_TILE_STORE(tile, to, stride) rs_soft_store(&soft, tile, to, stride)
#define RS_TILE_MULTIPLY(sum, a, b) rs_soft_multiply(&soft, sum, a, b)
#include "quant_amx.h"
#undef RS_TILES
#undef RS_TILES_BEGIN
#undef RS_TILES_END
#undef RS_TILE_ZERO
#undef RS_TILE_LOAD
#undef RS_TILE_STORE
#undef RS_TILE_MULTIPLY
#pragma clang attribute pop

#pragma clang attribute push(                                                                      \
    __attribute__((target(                                                                         \
        "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8"))),        \
    apply_to = function)
#define RS_TILES(name) name##_amx
#define RS_TILES_BEGIN                                                                             \
    const struct rs_tile_shape shape = rs_whole_tiles();                                           \
    _tile_loadconfig(&shape);
#define RS_TILES_END _tile_release();
#define RS_TILE_ZERO(tile) _tile_zero(tile)
#define RS_TILE_LOAD(tile, from, stride) _tile_loadd(tile, from, stride)
#define RS_TILE_STORE(tile, to, stride) _tile_stored(tile, to, stride)
#define RS_TILE_MULTIPLY(sum, a, b) _tile_dpbssd(sum, a, b)
#include "quant_amx.h"
#pragma clang attribute pop
#undef RS_LANES
#undef RS_LEVEL
#endif

struct kernels {
    rs_tile quantise, multiply;
    enum quads layout8, layout4;
};

static struct kernels kernels_of(const rs_pool *pool, size_t rows) {
#if defined(__x86_64__)
    const rs_level level = rs_pool_level(pool);
    if (rs_has_vnni(level) && rows >= TILE_LEAST_ROWS && rs_tiles_usable())
        return (struct kernels){quantise_tiles, quant_tile_amx, IN_ROWS, IN_ROWS};
    if (rs_has_vnni(level))
        return (struct kernels){quantise_tile_vnni, quant_tile_vnni, RAISED, SIGNED};
    const bool fast = rs_pool_activations(pool) == RS_FAST;
    if (level != RS_SCALAR)
        return (struct kernels){quantise_tile_avx2, quant_tile_avx2, fast ? HALVED : WIDE, SIGNED};
    if (fast) return (struct kernels){quantise_tile_scalar, quant_tile_scalar, HALVED, SIGNED};
#else
    (void)pool;
    (void)rows;
#endif
    return (struct kernels){quantise_tile_scalar, quant_tile_scalar, SIGNED, SIGNED};
}

/* All of a product, of which the job has what does not depend on the kernels. */
static void multiply(rs_pool *pool, const struct job *whole, struct kernels kernels) {
    const size_t groups = rs_blocks(whole->columns, GROUP);
    const enum quads layout = whole->type == RS_INT8 ? kernels.layout8 : kernels.layout4;
    const size_t panel = layout == IN_ROWS ? TILE_ROWS : PANEL_ROWS;
    const size_t quads_size = layout == IN_ROWS ? panel * GROUP : group_bytes(layout);
    const size_t group_size = quads_size + 2 * panel * sizeof(float);
    const size_t fits = RS_SHARED_BYTES / (groups * group_size) * panel;
    const size_t blocks = rs_blocks(whole->rows, rs_min(BLOCK_ROWS, fits));
    const size_t block_rows = rs_blocks(rs_blocks(whole->rows, blocks), panel) * panel;
    rs_pool_hold(pool);
    for (size_t first = 0; first < whole->rows; first += block_rows) {
        struct job job = *whole;
        job.x += first * job.columns;
        job.y += first * job.outputs;
        job.rows = rs_min(block_rows, whole->rows - first);
        job.groups = groups;
        job.layout = layout;
        job.panels = rs_blocks(job.rows, panel);
        job.tile_blocks = job.panels == 1 ? FEW_TILE_BLOCKS : TILE_BLOCKS;
        job.quads = rs_pool_shared(pool);
        job.scales = (float *)(job.quads + job.panels * groups * quads_size);
        job.sums = job.scales + job.panels * groups * panel;
        rs_pool_run_held(pool, kernels.quantise, &job, rs_blocks(job.panels, PANEL_TILE));
        rs_pool_run_held(pool, kernels.multiply, &job,
                         rs_blocks(rs_blocks(job.outputs, OUTPUTS), job.tile_blocks));
    }
    rs_pool_let_go(pool);
}

void rs_quant_linear(rs_pool *pool, const float *x, size_t rows, size_t columns, const void *packed,
                     rs_quant type, size_t outputs, const float *bias, float *y, bool adding) {
    const struct job job = {.x = x, .packed = packed, .bias = bias, .y = y, .rows = rows,
                            .columns = columns, .outputs = outputs, .type = type,
                            .adding = adding};
    multiply(pool, &job, kernels_of(pool, rows));
}

bool rs_quant_linear_on_soft_tiles(rs_pool *pool, const float *x, size_t rows, size_t columns,
                                   const void *packed, rs_quant type, size_t outputs,
                                   const float *bias, float *y, bool adding) {
#if defined(__x86_64__)
    if (rs_has_vnni(rs_pool_level(pool))) {
        const struct job job = {.x = x, .packed = packed, .bias = bias, .y = y, .rows = rows,
                                .columns = columns, .outputs = outputs, .type = type,
                                .adding = adding};
        multiply(pool, &job,
                 (struct kernels){quantise_tiles, quant_tile_soft, IN_ROWS, IN_ROWS});
        return true;
    }
#else
    (void)pool, (void)x, (void)rows, (void)columns, (void)packed, (void)type, (void)outputs;
    (void)bias, (void)y, (void)adding;
#endif
    return false;
}
