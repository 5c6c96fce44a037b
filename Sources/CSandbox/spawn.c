#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

int rs_spawn(
    const char *executable, char *const arguments[], char *const environment[], int socket,
    pid_t *identifier) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int status = posix_spawn_file_actions_init(&actions);
    if (status) return status;
    status = posix_spawnattr_init(&attributes);
    if (status) {
        posix_spawn_file_actions_destroy(&actions);
        return status;
    }
    // Signals as a fresh program expects them, whatever the calling thread blocks. A group of its
    // own keeps a terminal's Ctrl-C away: the parent decides when it ends.
    sigset_t none, restored;
    sigemptyset(&none);
    sigemptyset(&restored);
    const int numbers[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaddset(&restored, numbers[i]);
    status = posix_spawnattr_setsigmask(&attributes, &none);
    if (!status) status = posix_spawnattr_setsigdefault(&attributes, &restored);
    if (!status) status = posix_spawnattr_setpgroup(&attributes, 0);
    if (!status) {
        status = posix_spawnattr_setflags(
            &attributes,
            POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    // dup2 onto itself would leave the close-on-exec flag in place.
    int copy = -1;
    if (!status && socket == rs_inherited_socket) {
        copy = fcntl(socket, F_DUPFD_CLOEXEC, rs_inherited_socket + 1);
        if (copy < 0) status = errno;
    }
    if (!status) {
        status = posix_spawn_file_actions_adddup2(
            &actions, copy >= 0 ? copy : socket, rs_inherited_socket);
    }
    if (!status) status = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!status) status = posix_spawn_file_actions_adddup2(&actions, 2, 1);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    if (!status) {
        status = posix_spawn_file_actions_addclosefrom_np(&actions, rs_inherited_socket + 1);
    }
#endif
    if (!status) {
        status = posix_spawn(identifier, executable, &actions, &attributes, arguments, environment);
    }
    if (copy >= 0) close(copy);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

int rs_watch_children(void) {
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &children, NULL)) return -1;
    return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

pid_t rs_fork(void) { return fork(); }

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
