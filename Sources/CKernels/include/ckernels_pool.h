#ifndef REELSCRIBE_CKERNELS_POOL_H
#define REELSCRIBE_CKERNELS_POOL_H

#include <stdbool.h>
#include <stddef.h>

/* Instruction sets that the kernels are compiled for. */
typedef enum {
    RS_SCALAR = 0,
    RS_AVX2 = 1,   /* with FMA and F16C */
    RS_AVX512 = 2, /* F, BW, DQ, VL */
    RS_NEON = 3,
} rs_level;

/* Whether this processor (and this build) can run the level. */
bool rs_level_available(rs_level level);

/* The best level here, or the one that REELSCRIBE_ISA (scalar, avx2, avx512, neon) asks for where
   that one is available. */
rs_level rs_default_level(void);

/* "scalar", "avx2", "avx512", "neon". */
const char *rs_name_of_level(rs_level level);

/* The name of rs_default_level(). */
const char *rs_level_name(void);

/* How activations are rounded before products with weights. */
typedef enum {
    /* The same on every processor: weights of single numbers (bf16, f16, f32) are multiplied with
       32-bit activations, those in groups of 8 and 4 bits with activations rounded to 8 bits in
       groups of 64. */
    RS_FULL = 0,
    /* To what this processor multiplies fastest: to BF16 for products of many rows with bf16
       weights where rs_has_bf16, to 7 bits with 8-bit weights where there is AVX2 and not
       rs_has_vnni. Elsewhere the very same as RS_FULL. Results depend on the processor. */
    RS_FAST = 1,
} rs_activations;

/* Whether this processor, at the level, multiplies pairs of BF16 numbers (vdpbf16ps), and groups of
   four 8-bit numbers (vpdpbusd). */
bool rs_has_bf16(rs_level level);
bool rs_has_vnni(rs_level level);

/* Processor cores that this process may use: without second threads of a core, and within the limits
   of its affinity and its control group. At least 1. */
size_t rs_cores(void);

/* A fixed set of threads that share the work of one kernel at a time.

   Every kernel cuts its work into tiles whose sizes depend on the shapes only; which thread takes
   which tile changes nothing in the result. Kernels called from two threads at once wait for each
   other. */
typedef struct rs_pool rs_pool;

/* `threads` counts the calling thread. Where the system refuses a thread, the pool has fewer.
   NULL: no memory. */
rs_pool *rs_pool_create(size_t threads, rs_level level, rs_activations activations);
void rs_pool_destroy(rs_pool *pool);
size_t rs_pool_threads(const rs_pool *pool);
rs_level rs_pool_level(const rs_pool *pool);
rs_activations rs_pool_activations(const rs_pool *pool);

/* One tile of work. `scratch` belongs to the running thread: RS_SCRATCH_BYTES, aligned to 64,
   with undefined contents. */
typedef void (*rs_tile)(void *context, size_t tile, void *scratch);

#define RS_SCRATCH_BYTES ((size_t)8 << 20)

/* Runs tiles 0 ..< `tiles`, each once, on all threads; returns when all are done. Not from a tile. */
void rs_pool_run(rs_pool *pool, rs_tile function, void *context, size_t tiles);

/* Zeroed, page aligned memory that becomes physical where it is touched; NULL: none. Where it is
   `sparse`, in small pages: large ones would make much more of it physical than was touched. */
void *rs_reserve(size_t bytes, bool sparse);
void rs_release(void *memory, size_t bytes);

#endif
