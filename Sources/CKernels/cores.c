/* How many threads are worth having. */

#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

#if defined(__linux__)
#include <sched.h>

/* The first processor in the list of those that share a core with `processor`. */
static int first_of_core(int processor) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
             processor);
    int first = processor;
    FILE *file = fopen(path, "r");
    if (!file) return processor;
    if (fscanf(file, "%d", &first) != 1) first = processor;
    fclose(file);
    return first;
}

/* Processors' worth of time that the control group grants, rounded up; 0: no limit. */
static size_t granted(void) {
    long quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!file) return 0;
    const int found = fscanf(file, "%ld %ld", &quota, &period); /* "max" is no number */
    fclose(file);
    return found == 2 && quota > 0 && period > 0 ? rs_blocks((size_t)quota, (size_t)period) : 0;
}

size_t rs_cores(void) {
    cpu_set_t allowed;
    size_t cores = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (int i = 0; i < CPU_SETSIZE; i++) {
            if (!CPU_ISSET(i, &allowed)) continue;
            const int first = first_of_core(i);
            const bool second = first != i && first >= 0 && first < CPU_SETSIZE
                                && CPU_ISSET(first, &allowed);
            if (!second) cores++;
        }
    }
    const size_t limit = granted();
    if (limit > 0) cores = rs_min(cores, limit);
    return rs_max(cores, 1);
}

#else

size_t rs_cores(void) {
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 0 ? (size_t)processors : 1;
}

#endif
