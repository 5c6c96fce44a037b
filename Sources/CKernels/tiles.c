/* Whether the processor's tiles can be used. */

#define _GNU_SOURCE
#include "tiles.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool usable;

/* The processor has the instructions, and the system lets the threads of this process, those to come
   included, use the registers. */
static bool permitted(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    const unsigned tile = 1u << 24, int8 = 1u << 25;
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tile) == 0 || (d & int8) == 0) return false;
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

__attribute__((target("amx-tile,amx-int8"), noinline)) static void
multiply(const int8_t a[TILE_ROWS][TILE_BYTES], const int8_t b[TILE_ROWS][TILE_BYTES],
         int32_t sums[TILE_ROWS][TILE_BYTES / 4]) {
    const struct rs_tile_shape shape = rs_whole_tiles();
    _tile_loadconfig(&shape);
    _tile_zero(0);
    _tile_loadd(1, a, TILE_BYTES);
    _tile_loadd(2, b, TILE_BYTES);
    _tile_dpbssd(0, 1, 2);
    _tile_stored(0, sums, TILE_BYTES);
    _tile_release();
}

/* The instructions give what software gives: no machine that has them has tested these kernels. */
static bool right(void) {
    int8_t a[TILE_ROWS][TILE_BYTES], b[TILE_ROWS][TILE_BYTES];
    int32_t sums[TILE_ROWS][TILE_BYTES / 4], expected[TILE_ROWS][TILE_BYTES / 4];
    for (int r = 0; r < TILE_ROWS; r++)
        for (int i = 0; i < TILE_BYTES; i++) {
            a[r][i] = (int8_t)(r * 37 + i * 11);
            b[r][i] = (int8_t)(r * 5 - i * 29);
        }
    struct rs_soft_tiles soft;
    rs_soft_zero(&soft, 0);
    rs_soft_load(&soft, 1, a, TILE_BYTES);
    rs_soft_load(&soft, 2, b, TILE_BYTES);
    rs_soft_multiply(&soft, 0, 1, 2);
    rs_soft_store(&soft, 0, expected, TILE_BYTES);
    multiply(a, b, sums);
    return memcmp(sums, expected, sizeof sums) == 0;
}

static void look(void) {
    const char *forced = getenv("REELSCRIBE_ISA");
    usable = (!forced || strcmp(forced, "amx") == 0) && permitted() && right();
}

bool rs_tiles_usable(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return usable;
}

#elif defined(__x86_64__)

bool rs_tiles_usable(void) { return false; }

#endif
