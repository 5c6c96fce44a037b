#ifndef REELSCRIBE_CKERNELS_BENCH_H
#define REELSCRIBE_CKERNELS_BENCH_H

#include "ckernels_pool.h"

/* What this machine can do at most, measured beside our kernels. */

/* Bytes per second at which all threads of the pool together read `bytes` of memory, the best of
   `repeats`; 0: no memory. Take `bytes` larger than the last cache. */
double rs_bench_read_bandwidth(rs_pool *pool, size_t bytes, size_t repeats);

/* FLOP per second of OpenBLAS's cblas_sgemm, x [m, k] times w [n, k] transposed, with its own
   threads, the best of `repeats`; 0: no memory. */
double rs_bench_sgemm(size_t threads, size_t m, size_t n, size_t k, size_t repeats);

/* FLOP per second of fused multiply-adds in registers, all threads of the pool together. */
double rs_bench_peak(rs_pool *pool);

/* The same of 8-bit multiply-adds, with the instructions that packed weights are multiplied with: on
   AVX-512 with VNNI four products are added in 32 bits, on AVX2 (and AVX-512 without VNNI) two in 16
   bits, which is what 4-bit weights take; 8-bit ones reach half of it there. */
double rs_bench_integer_peak(rs_pool *pool);

/* The processor that OpenBLAS has chosen its kernels for. It does not know newer ones and then
   takes slow kernels: OPENBLAS_CORETYPE corrects it. */
const char *rs_bench_sgemm_core(void);

#endif
