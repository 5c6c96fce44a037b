/* Compiles the file RS_BODY once for each vector level of the target processor. Inside, RS_LANES is
   the number of 32-bit lanes and RS_LEVEL(name) the level's own name of a function. No include
   guard: a kernel file includes this once for its body. */

#if defined(__x86_64__)

#define RS_LANES 8
#define RS_LEVEL(name) name##_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector.h"
#include RS_BODY
#pragma clang attribute pop
#undef RS_LANES
#undef RS_LEVEL

#define RS_LANES 16
#define RS_LEVEL(name) name##_avx512
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl"))),                   \
    apply_to = function)
#include "vector.h"
#include RS_BODY
#pragma clang attribute pop
#undef RS_LANES
#undef RS_LEVEL

/* The level's function; `scalar` is the plain version, which RS_CHOOSE_VECTOR does not know. */
#define RS_CHOOSE(level, name)                                                                     \
    ((level) == RS_AVX512 ? name##_avx512 : (level) == RS_AVX2 ? name##_avx2 : name##_scalar)
#define RS_CHOOSE_VECTOR(level, name) ((level) == RS_AVX512 ? name##_avx512 : name##_avx2)

#elif defined(__aarch64__)

#define RS_LANES 4
#define RS_LEVEL(name) name##_neon
#include "vector.h"
#include RS_BODY
#undef RS_LANES
#undef RS_LEVEL

#define RS_CHOOSE(level, name) ((level) == RS_SCALAR ? name##_scalar : name##_neon)
#define RS_CHOOSE_VECTOR(level, name) (name##_neon)

#else
#error "the kernels know x86-64 and 64-bit Arm"
#endif
