#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define RS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define RS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define RS_ARCHITECTURE 0
#endif

/// System calls from here on are newer than what the filter was written for. Libraries fall back
/// to older ones where these seem to be missing.
#define RS_FIRST_NEW_CALL 424

/// Calls with which a process acts on others, on the machine, or on the file system.
static const int forbidden[] = {
    // Other programs and processes.
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kill,
    SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_setns, SYS_unshare, SYS_setpgid,
    SYS_setsid, SYS_setpriority, SYS_kcmp,
    // The machine.
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_bpf,
    SYS_perf_event_open, SYS_userfaultfd, SYS_add_key, SYS_request_key, SYS_keyctl,
    SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
    SYS_acct, SYS_quotactl, SYS_personality, SYS_setrlimit, SYS_open_by_handle_at,
    // A program could be put into a file without a name.
    SYS_memfd_create,
    // System V shared objects outlive their maker.
    SYS_shmget, SYS_msgget, SYS_semget,
};

/// Calls that change files or their names; refused unless writing is allowed.
static const int changing[] = {
    SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_linkat, SYS_symlinkat, SYS_mknodat, SYS_fchmodat,
    SYS_fchmod, SYS_fchownat, SYS_fchown, SYS_truncate, SYS_ftruncate, SYS_fallocate,
    SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_creat
    SYS_creat,
#endif
#ifdef SYS_unlink
    SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_mknod, SYS_chmod,
    SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
};

/// Calls that reach other hosts and other processes' sockets.
static const int networking[] = {SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept,
                                 SYS_accept4};

#define RS_LARGEST_PROGRAM 256

/// A filter while it is written.
struct program {
    struct sock_filter code[RS_LARGEST_PROGRAM];
    unsigned short length;
};

static void add(struct program *program, struct sock_filter step) {
    if (program->length < RS_LARGEST_PROGRAM) program->code[program->length] = step;
    program->length++;
}

static void refuse(struct program *program, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add(program, (struct sock_filter)BPF_JUMP(
                         BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1));
        add(program, (struct sock_filter)BPF_STMT(
                         BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA)));
    }
}

/// Half of argument `index`: 0 the low one, where flags and identifiers are, 1 the high one. All
/// architectures above are little-endian.
static struct sock_filter load_argument(int index, int half) {
    const unsigned offset = (unsigned)offsetof(struct seccomp_data, args) + 8 * (unsigned)index
        + 4 * (unsigned)half;
    return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

static const struct sock_filter load_number =
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
static const struct sock_filter permitted = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
static const struct sock_filter denied =
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA));

/// `call` only where argument `index` has none (`wanted` 0) or any (1) of the bits of `mask`.
static void require_bits(
    struct program *program, int call, int index, unsigned mask, int wanted) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 4));
    add(program, load_argument(index, 0));
    add(program, (struct sock_filter)BPF_JUMP(
                     BPF_JMP | BPF_JSET | BPF_K, mask, wanted ? 1 : 0, wanted ? 0 : 1));
    add(program, denied);
    add(program, permitted);
}

/// `call` only where argument `index` is `value`.
static void require_value(struct program *program, int call, int index, unsigned value) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 4));
    add(program, load_argument(index, 0));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    add(program, denied);
    add(program, permitted);
}

/// `call` only where argument `index` is not `value`. The kernel looks at the low half only.
static void refuse_value(struct program *program, int call, int index, unsigned value) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 4));
    add(program, load_argument(index, 0));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    add(program, denied);
    add(program, load_number);
}

static int filter_calls(const struct rs_confinement *confinement) {
    if (!RS_ARCHITECTURE) return 0;
    static struct program program;
    program.length = 0;
    add(&program, (struct sock_filter)BPF_STMT(
                      BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    add(&program, (struct sock_filter)BPF_JUMP(
                      BPF_JMP | BPF_JEQ | BPF_K, RS_ARCHITECTURE, 1, 0));
    add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    add(&program, load_number);
    add(&program, (struct sock_filter)BPF_JUMP(
                      BPF_JMP | BPF_JGE | BPF_K, RS_FIRST_NEW_CALL, 0, 1));
    add(&program, (struct sock_filter)BPF_STMT(
                      BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA)));
    refuse(&program, forbidden, sizeof forbidden / sizeof *forbidden);
#ifdef SYS_fork
    const int forking[] = {SYS_fork, SYS_vfork};
    refuse(&program, forking, 2);
#endif
    if (!confinement->allows_network) {
        refuse(&program, networking, sizeof networking / sizeof *networking);
    }
    if (!confinement->allows_writing) {
        refuse(&program, changing, sizeof changing / sizeof *changing);
        const unsigned writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
        require_bits(&program, SYS_openat, 2, writes, 0);
#ifdef SYS_open
        require_bits(&program, SYS_open, 1, writes, 0);
#endif
    }
    // Threads, but no processes.
    const unsigned clone_thread = 0x00010000;
    require_bits(&program, SYS_clone, 0, clone_thread, 1);
    // abort(3) signals itself.
    require_value(&program, SYS_tgkill, 0, (unsigned)getpid());
    // A terminal takes what these put into it for what its user typed.
    refuse_value(&program, SYS_ioctl, 1, TIOCSTI);
    refuse_value(&program, SYS_ioctl, 1, TIOCLINUX);
    // Limits can be read, not set: the new limit, a pointer, must be null.
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 5));
    add(&program, load_argument(2, 0));
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2));
    add(&program, load_argument(2, 1));
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    add(&program, denied);
    add(&program, permitted);
    if (program.length > RS_LARGEST_PROGRAM) return 0;
    struct sock_fprog whole = {.len = program.length, .filter = program.code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
}

/// - grace: what the hard limit lies above the soft one.
static int limit(int resource, rlim_t most, rlim_t grace) {
    struct rlimit now;
    if (getrlimit(resource, &now)) return -1;
    struct rlimit wanted = {.rlim_cur = most, .rlim_max = most + grace};
    if (now.rlim_max != RLIM_INFINITY) {
        if (wanted.rlim_max > now.rlim_max) wanted.rlim_max = now.rlim_max;
        if (wanted.rlim_cur > now.rlim_max) wanted.rlim_cur = now.rlim_max;
    }
    return setrlimit(resource, &wanted);
}

int rs_confine(const struct rs_confinement *confinement, pid_t parent) {
    int protections = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) protections |= rs_protection_orphan;
    // It may have died before the line above.
    if (getppid() != parent) return -1;
    if (limit(RLIMIT_CORE, 0, 0)) return -1;
    if (confinement->memory && limit(RLIMIT_DATA, confinement->memory, 0)) return -1;
    if (confinement->processor_seconds) {
        struct rusage usage;
        if (getrusage(RUSAGE_SELF, &usage)) return -1;
        const rlim_t used = (rlim_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1;
        // SIGXCPU at the soft limit tells the cause; SIGKILL would not.
        if (limit(RLIMIT_CPU, used + confinement->processor_seconds, 2)) return -1;
    }
    FILE *score = fopen("/proc/self/oom_score_adj", "w");
    if (score) {
        fputs("1000", score);
        fclose(score);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
        protections |= rs_protection_privileges;
        if (filter_calls(confinement)) protections |= rs_protection_calls;
    }
    return protections;
}
