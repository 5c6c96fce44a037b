#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Rounds of waiting before a thread sleeps: some tens of microseconds, the pause between two
   kernels of one pass. Between passes all threads but the caller's sleep. */
enum { SPINS = 4000 };

/* Value of `gate` while no work is open. */
enum { CLOSED = -1 };

struct worker {
    struct rs_pool *pool;
    pthread_t thread;
    void *scratch;
};

struct rs_pool {
    rs_level level;
    rs_activations activations;
    size_t threads;          /* workers[0] stands for the caller */
    struct worker *workers;
    void *shared;
    pthread_mutex_t holder;  /* one kernel at a time */

    /* The open work. Written only while the gate is closed. */
    rs_tile function;
    void *context;
    size_t tiles;
    atomic_size_t next;
    atomic_long gate;        /* workers inside the open work, or CLOSED */

    atomic_ulong generation; /* counts openings */
    atomic_int stopping;
    atomic_int sleeping;     /* workers waiting on `opened` */
    atomic_int waiting;      /* the caller waits on `finished` */
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    pthread_cond_t finished;
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#if __has_feature(address_sanitizer)

/* From the sanitiser's allocator, which sees an access that is off by one. Less aligned, which
   costs speed only. */
void *rs_reserve(size_t bytes, bool sparse) {
    (void)sparse;
    return bytes > (size_t)1 << 36 ? NULL : calloc(bytes, 1);
}

void rs_release(void *memory, size_t bytes) {
    (void)bytes;
    free(memory);
}

#else

void *rs_reserve(size_t bytes, bool sparse) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#if defined(MADV_HUGEPAGE)
    madvise(memory, bytes, sparse ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
#else
    (void)sparse;
#endif
    return memory;
}

void rs_release(void *memory, size_t bytes) { munmap(memory, bytes); }

#endif

static void take_tiles(rs_pool *pool, void *scratch) {
    for (;;) {
        const size_t tile = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (tile >= pool->tiles) return;
        pool->function(pool->context, tile, scratch);
    }
}

/* Waits until the generation differs from `seen`; returns the new one. */
static unsigned long wait_for_work(rs_pool *pool, unsigned long seen) {
    for (int spin = 0; spin < SPINS; spin++) {
        const unsigned long now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen) return now;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleeping, 1);
    unsigned long now;
    while ((now = atomic_load(&pool->generation)) == seen)
        pthread_cond_wait(&pool->opened, &pool->mutex);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

static void *work(void *argument) {
    struct worker *self = argument;
    rs_pool *pool = self->pool;
    unsigned long seen = 0;
    for (;;) {
        seen = wait_for_work(pool, seen);
        if (atomic_load(&pool->stopping)) return NULL;
        long inside = atomic_load_explicit(&pool->gate, memory_order_acquire);
        while (inside != CLOSED
               && !atomic_compare_exchange_weak_explicit(&pool->gate, &inside, inside + 1,
                                                         memory_order_acquire,
                                                         memory_order_acquire)) {
        }
        if (inside == CLOSED) continue; /* came too late: nothing was left to do */
        take_tiles(pool, self->scratch);
        if (atomic_fetch_sub(&pool->gate, 1) == 1 && atomic_load(&pool->waiting)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void open_gate(rs_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleeping) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->opened);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static bool close_gate(rs_pool *pool) {
    long nobody = 0;
    return atomic_compare_exchange_strong(&pool->gate, &nobody, CLOSED);
}

void rs_pool_run_held(rs_pool *pool, rs_tile function, void *context, size_t tiles) {
    void *scratch = pool->workers[0].scratch;
    if (tiles <= 1 || pool->threads == 1) {
        for (size_t tile = 0; tile < tiles; tile++) function(context, tile, scratch);
        return;
    }
    pool->function = function;
    pool->context = context;
    pool->tiles = tiles;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store(&pool->gate, 0);
    open_gate(pool);
    take_tiles(pool, scratch);
    for (int spin = 0; spin < SPINS; spin++) {
        if (close_gate(pool)) return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->waiting, 1);
    while (!close_gate(pool)) pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_unlock(&pool->mutex);
}

void rs_pool_hold(rs_pool *pool) { pthread_mutex_lock(&pool->holder); }

void rs_pool_let_go(rs_pool *pool) { pthread_mutex_unlock(&pool->holder); }

void rs_pool_run(rs_pool *pool, rs_tile function, void *context, size_t tiles) {
    rs_pool_hold(pool);
    rs_pool_run_held(pool, function, context, tiles);
    rs_pool_let_go(pool);
}

void *rs_pool_shared(rs_pool *pool) { return pool->shared; }

size_t rs_pool_threads(const rs_pool *pool) { return pool->threads; }

rs_level rs_pool_level(const rs_pool *pool) { return pool->level; }

rs_activations rs_pool_activations(const rs_pool *pool) { return pool->activations; }

rs_pool *rs_pool_create(size_t threads, rs_level level, rs_activations activations) {
    threads = rs_min(rs_max(threads, 1), 1024);
    rs_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->workers = calloc(threads, sizeof *pool->workers);
    pool->shared = rs_reserve(RS_SHARED_BYTES, false);
    void *scratch = rs_reserve(RS_SCRATCH_BYTES, false);
    if (!pool->workers || !pool->shared || !scratch) {
        free(pool->workers);
        if (pool->shared) rs_release(pool->shared, RS_SHARED_BYTES);
        if (scratch) rs_release(scratch, RS_SCRATCH_BYTES);
        free(pool);
        return NULL;
    }
    pool->level = rs_level_available(level) ? level : RS_SCALAR;
    pool->activations = activations;
    pool->workers[0].scratch = scratch;
    atomic_init(&pool->gate, CLOSED);
    pthread_mutex_init(&pool->holder, NULL);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->opened, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->threads = 1;
    while (pool->threads < threads) {
        struct worker *worker = &pool->workers[pool->threads];
        worker->pool = pool;
        worker->scratch = rs_reserve(RS_SCRATCH_BYTES, false);
        if (!worker->scratch) break;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            rs_release(worker->scratch, RS_SCRATCH_BYTES);
            break;
        }
        pool->threads++;
    }
    return pool;
}

void rs_pool_destroy(rs_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->stopping, 1);
    open_gate(pool);
    for (size_t i = 0; i < pool->threads; i++) {
        if (i > 0) pthread_join(pool->workers[i].thread, NULL);
        rs_release(pool->workers[i].scratch, RS_SCRATCH_BYTES);
    }
    rs_release(pool->shared, RS_SHARED_BYTES);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->opened);
    pthread_mutex_destroy(&pool->mutex);
    pthread_mutex_destroy(&pool->holder);
    free(pool->workers);
    free(pool);
}
