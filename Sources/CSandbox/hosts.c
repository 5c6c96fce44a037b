// FFmpeg follows redirections by itself and asks nobody. Whatever it connects to, it first looks
// up by getaddrinfo(3), literal addresses included: so the program's own definition, which the
// dynamic linker prefers to the C library's, is where a list of allowed hosts is enforced.

#define _GNU_SOURCE
#include "csandbox.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>

typedef int host_filter(const char *name);
typedef int lookup(
    const char *, const char *, const struct addrinfo *, struct addrinfo **);

static _Atomic(host_filter *) filter;

void rs_guard_host_names(host_filter *isAllowed) { atomic_store(&filter, isAllowed); }

__attribute__((visibility("default"))) int getaddrinfo(
    const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **addresses) {
    host_filter *isAllowed = atomic_load(&filter);
    if (name && isAllowed && !isAllowed(name)) return EAI_FAIL;
    static _Atomic(lookup *) cached;
    lookup *original = atomic_load(&cached);
    if (!original) {
        original = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
        if (!original) return EAI_SYSTEM;
        atomic_store(&cached, original);
    }
    return original(name, service, hints, addresses);
}
