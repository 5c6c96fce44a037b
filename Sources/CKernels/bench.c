/* What the machine can do at most: reading, multiplying, and OpenBLAS as a yardstick. */

#define _GNU_SOURCE
#include <cblas.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

/* Not declared by every cblas.h. */
extern void openblas_set_num_threads(int threads);
extern char *openblas_get_corename(void);

enum { TILE_FLOATS = 1 << 18, PEAK_STEPS = 4 << 20, PEAK_CHAINS = 12, PEAK_RUNS = 5 };

struct job {
    const float *data;
    size_t count;
    float *sums; /* one for each tile, so that nothing can be left out */
};

#define RS_BODY "bench_body.h"
#include "each_level.h"

static void read_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * TILE_FLOATS, job->count);
    float sum = 0;
    for (size_t i = tile * TILE_FLOATS; i < end; i++) sum += job->data[i];
    job->sums[tile] = sum;
}

static void peak_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    float sum[PEAK_CHAINS];
    for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = (float)c + 3;
    for (size_t i = 0; i < PEAK_STEPS; i++)
        for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = sum[c] * 0.5f + 1;
    for (int c = 0; c < PEAK_CHAINS; c++) job->sums[tile] += sum[c];
}

/* 8-bit multiply-adds, as the products of packed weights make them. What is multiplied depends on
   the sum, so that no compiler makes the product once and for all. */

static void integer_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const volatile int8_t unknown = 3;
    const int8_t weight = unknown;
    uint32_t sum[PEAK_CHAINS];
    for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = (uint32_t)c + 1;
    for (size_t i = 0; i < PEAK_STEPS; i++)
        for (int c = 0; c < PEAK_CHAINS; c++) sum[c] += (uint32_t)((int8_t)sum[c] * weight);
    for (int c = 0; c < PEAK_CHAINS; c++) job->sums[tile] += (float)sum[c];
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Two products in 16 bits, added in 16 bits: what 4-bit weights allow without overflow. */
__attribute__((target("avx2"))) static void integer_tile_avx2(void *context, size_t tile,
                                                              void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const __m256i weight = _mm256_set1_epi8(15);
    __m256i sum[PEAK_CHAINS];
#pragma clang loop unroll(full)
    for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = _mm256_set1_epi16((short)(c + 1));
    for (size_t i = 0; i < PEAK_STEPS; i++)
#pragma clang loop unroll(full)
        for (int c = 0; c < PEAK_CHAINS; c++)
            sum[c] = _mm256_add_epi16(sum[c], _mm256_maddubs_epi16(weight, sum[c]));
    for (int c = 0; c < PEAK_CHAINS; c++) {
        int16_t lanes[16];
        memcpy(lanes, &sum[c], sizeof lanes);
        for (int lane = 0; lane < 16; lane++) job->sums[tile] += lanes[lane];
    }
}

/* Four products a lane of 32 bits, added to it. */
__attribute__((target("avx512f,avx512vnni"))) static void integer_tile_vnni(void *context,
                                                                            size_t tile,
                                                                            void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const __m512i weight = _mm512_set1_epi8(15);
    __m512i sum[PEAK_CHAINS];
#pragma clang loop unroll(full)
    for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = _mm512_set1_epi32(c + 1);
    for (size_t i = 0; i < PEAK_STEPS; i++)
#pragma clang loop unroll(full)
        for (int c = 0; c < PEAK_CHAINS; c++)
            sum[c] = _mm512_dpbusd_epi32(sum[c], weight, sum[c]);
    for (int c = 0; c < PEAK_CHAINS; c++) job->sums[tile] += (float)_mm512_reduce_add_epi32(sum[c]);
}
#endif

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double rs_bench_read_bandwidth(rs_pool *pool, size_t bytes, size_t repeats) {
    const size_t tiles = rs_blocks(bytes / sizeof(float), TILE_FLOATS);
    float *data = rs_reserve(bytes, false), *sums = calloc(rs_max(tiles, 1), sizeof *sums);
    double best = 0;
    if (data && sums) {
        /* Touched first: pages that were never written share one page of zeros. */
        for (size_t i = 0; i < bytes / sizeof(float); i++) data[i] = 1;
        struct job job = {data, bytes / sizeof(float), sums};
        for (size_t r = 0; r < repeats; r++) {
            const double start = seconds();
            rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), read_tile), &job, tiles);
            const double rate = (double)bytes / (seconds() - start);
            if (rate > best) best = rate;
        }
    }
    if (data) rs_release(data, bytes);
    free(sums);
    return best;
}

/* Operations a second of a tile that makes `width` multiply-adds a chain and step; the best of a few
   runs, as a thread that was put aside says nothing about the processor. */
static double peak_rate(rs_pool *pool, rs_tile tile, double width) {
    float sums[1024] = {0};
    struct job job = {.sums = sums};
    const size_t tiles = rs_min(rs_pool_threads(pool) * 4, 1024);
    double best = 0;
    for (int r = 0; r < PEAK_RUNS; r++) {
        const double start = seconds();
        rs_pool_run(pool, tile, &job, tiles);
        const double rate =
            2 * width * PEAK_CHAINS * (double)PEAK_STEPS * (double)tiles / (seconds() - start);
        if (rate > best) best = rate;
    }
    return best;
}

double rs_bench_peak(rs_pool *pool) {
    const rs_level level = rs_pool_level(pool);
    const double lanes = level == RS_AVX512 ? 16 : level == RS_AVX2 ? 8 : level == RS_NEON ? 4 : 1;
    return peak_rate(pool, RS_CHOOSE(level, peak_tile), lanes);
}

double rs_bench_integer_peak(rs_pool *pool) {
#if defined(__x86_64__)
    const rs_level level = rs_pool_level(pool);
    if (level == RS_AVX512 && __builtin_cpu_supports("avx512vnni"))
        return peak_rate(pool, integer_tile_vnni, 64);
    if (level == RS_AVX512 || level == RS_AVX2) return peak_rate(pool, integer_tile_avx2, 32);
#endif
    return peak_rate(pool, integer_tile_scalar, 1);
}

double rs_bench_sgemm(size_t threads, size_t m, size_t n, size_t k, size_t repeats) {
    float *x = malloc(m * k * sizeof *x), *w = malloc(n * k * sizeof *w);
    float *y = malloc(m * n * sizeof *y);
    double best = 0;
    if (x && w && y) {
        for (size_t i = 0; i < m * k; i++) x[i] = (float)(i % 17) - 8;
        for (size_t i = 0; i < n * k; i++) w[i] = (float)(i % 13) - 6;
        openblas_set_num_threads((int)threads);
        for (size_t r = 0; r < repeats; r++) {
            const double start = seconds();
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, x,
                        (int)k, w, (int)k, 0, y, (int)n);
            const double rate = 2.0 * (double)m * (double)n * (double)k / (seconds() - start);
            if (rate > best) best = rate;
        }
        openblas_set_num_threads(1);
    }
    free(x);
    free(w);
    free(y);
    return best;
}

const char *rs_bench_sgemm_core(void) { return openblas_get_corename(); }
