#include <stdlib.h>

#include "internal.h"

bool rs_level_available(rs_level level) {
    switch (level) {
    case RS_SCALAR:
        return true;
#if defined(__x86_64__)
    case RS_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
               && __builtin_cpu_supports("f16c");
    case RS_AVX512:
        return rs_level_available(RS_AVX2) && __builtin_cpu_supports("avx512f")
               && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
               && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    case RS_NEON:
        return true;
#endif
    default:
        return false;
    }
}

#if defined(__x86_64__)

bool rs_has_bf16(rs_level level) {
    return level == RS_AVX512 && __builtin_cpu_supports("avx512bf16");
}

bool rs_has_vnni(rs_level level) {
    return level == RS_AVX512 && __builtin_cpu_supports("avx512vnni");
}

#else

bool rs_has_bf16(rs_level level) {
    (void)level;
    return false;
}

bool rs_has_vnni(rs_level level) {
    (void)level;
    return false;
}

#endif

const char *rs_name_of_level(rs_level level) {
    switch (level) {
    case RS_AVX2:
        return "avx2";
    case RS_AVX512:
        return "avx512";
    case RS_NEON:
        return "neon";
    default:
        return "scalar";
    }
}

rs_level rs_default_level(void) {
    const rs_level best_first[] = {RS_AVX512, RS_AVX2, RS_NEON, RS_SCALAR};
    const size_t levels = sizeof best_first / sizeof *best_first;
    const char *forced = getenv("REELSCRIBE_ISA");
    for (size_t i = 0; forced && i < levels; i++)
        if (strcmp(forced, rs_name_of_level(best_first[i])) == 0
            && rs_level_available(best_first[i]))
            return best_first[i];
    for (size_t i = 0; i < levels; i++)
        if (rs_level_available(best_first[i])) return best_first[i];
    return RS_SCALAR;
}

const char *rs_level_name(void) { return rs_name_of_level(rs_default_level()); }
