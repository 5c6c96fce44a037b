#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

/// What starting a program takes, set up as far as nothing failed.
struct launch {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status;
};

/// Signals as a fresh program expects them, whatever the calling thread blocks. A group of its own
/// keeps a terminal's Ctrl-C away: the parent decides when it ends.
static int begin(struct launch *launch) {
    launch->status = posix_spawn_file_actions_init(&launch->actions);
    if (launch->status) return launch->status;
    launch->status = posix_spawnattr_init(&launch->attributes);
    if (launch->status) {
        posix_spawn_file_actions_destroy(&launch->actions);
        return launch->status;
    }
    sigset_t none, restored;
    sigemptyset(&none);
    sigemptyset(&restored);
    const int numbers[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaddset(&restored, numbers[i]);
    int status = posix_spawnattr_setsigmask(&launch->attributes, &none);
    if (!status) status = posix_spawnattr_setsigdefault(&launch->attributes, &restored);
    if (!status) status = posix_spawnattr_setpgroup(&launch->attributes, 0);
    if (!status) {
        status = posix_spawnattr_setflags(
            &launch->attributes,
            POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    if (!status) {
        status = posix_spawn_file_actions_addopen(&launch->actions, 0, "/dev/null", O_RDONLY, 0);
    }
    launch->status = status;
    return 0;
}

/// What others in this process opened without close-on-exec is none of the program's business.
static void close_from(struct launch *launch, int first) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    if (!launch->status) {
        launch->status = posix_spawn_file_actions_addclosefrom_np(&launch->actions, first);
    }
#else
    (void)launch;
    (void)first;
#endif
}

static void end(struct launch *launch) {
    posix_spawnattr_destroy(&launch->attributes);
    posix_spawn_file_actions_destroy(&launch->actions);
}

int rs_spawn(
    const char *executable, char *const arguments[], char *const environment[], int socket,
    pid_t *identifier) {
    struct launch launch;
    if (begin(&launch)) return launch.status;
    // dup2 onto itself would leave the close-on-exec flag in place.
    int copy = -1;
    if (!launch.status && socket == rs_inherited_socket) {
        copy = fcntl(socket, F_DUPFD_CLOEXEC, rs_inherited_socket + 1);
        if (copy < 0) launch.status = errno;
    }
    if (!launch.status) {
        launch.status = posix_spawn_file_actions_adddup2(
            &launch.actions, copy >= 0 ? copy : socket, rs_inherited_socket);
    }
    if (!launch.status) launch.status = posix_spawn_file_actions_adddup2(&launch.actions, 2, 1);
    close_from(&launch, rs_inherited_socket + 1);
    if (!launch.status) {
        launch.status = posix_spawn(
            identifier, executable, &launch.actions, &launch.attributes, arguments, environment);
    }
    if (copy >= 0) close(copy);
    end(&launch);
    return launch.status;
}

int rs_spawn_command(char *const arguments[], const char *log, pid_t *identifier) {
    struct launch launch;
    if (begin(&launch)) return launch.status;
    if (!launch.status) {
        launch.status = posix_spawn_file_actions_addopen(
            &launch.actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    if (!launch.status) launch.status = posix_spawn_file_actions_adddup2(&launch.actions, 1, 2);
    close_from(&launch, 3);
    if (!launch.status) {
        launch.status = posix_spawnp(
            identifier, arguments[0], &launch.actions, &launch.attributes, arguments, environ);
    }
    end(&launch);
    return launch.status;
}

int rs_watch_children(void) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &children, NULL)) return -1;
    return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

pid_t rs_fork(void) { return fork(); }

int rs_silence(void) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0) return -1;
    const int failed = dup2(nowhere, 1) < 0 || dup2(nowhere, 2) < 0;
    close(nowhere);
    return failed ? -1 : 0;
}

int rs_memory_file(void) { return memfd_create("test", MFD_CLOEXEC); }

/// Room for the control message of one descriptor.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t rs_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t rs_receive_descriptor(int socket, void *bytes, size_t capacity, int *descriptor) {
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    *descriptor = -1;
    ssize_t received;
    do {
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
            && header->cmsg_len >= CMSG_LEN(sizeof(int))) {
            memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
        }
    }
    return received;
}
