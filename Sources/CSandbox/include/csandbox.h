// Processes that decode hostile input: starting them, handing them a socket, and taking away what
// they do not need. Only what Swift cannot do by itself: fork(2), control messages, BPF.

#ifndef REELSCRIBE_CSANDBOX_H
#define REELSCRIBE_CSANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The descriptor under which a started program finds its end of the socket.
static const int rs_inherited_socket = 3;

/// Starts `executable` with `arguments` and `environment` (both null-terminated, the name of the
/// program included). Its standard input is empty, its standard output goes to our standard error, `socket` becomes `rs_inherited_socket`,
/// and all other descriptors are closed. 0, or an errno.
int rs_spawn(
    const char *executable, char *const arguments[], char *const environment[], int socket,
    pid_t *identifier);

/// Starts a command of a user, found in PATH, as the leader of a process group: with nothing to
/// read, its words in the new file `log`, and no other descriptor of ours. 0, or an errno.
int rs_spawn_command(char *const arguments[], const char *log, pid_t *identifier);

/// Blocks SIGCHLD and gives a descriptor that can be read when it is pending, or -1.
int rs_watch_children(void);

/// fork(2). To be called while the process has one thread only.
pid_t rs_fork(void);

/// Lets what this process prints go nowhere: its standard output and error are the user's terminal
/// otherwise. 0, or -1 with errno.
int rs_silence(void);

/// memfd_create(2), which Swift cannot see; for the test of the confinement.
int rs_memory_file(void);

/// Sends one message with a copy of a descriptor. Bytes sent, or -1 with errno.
ssize_t rs_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);

/// Receives one message; `descriptor` becomes -1 where none came with it. Bytes received, 0 at the
/// end, or -1 with errno.
ssize_t rs_receive_descriptor(int socket, void *bytes, size_t capacity, int *descriptor);

/// What a process keeps when it is confined.
struct rs_confinement {
    /// Bytes of private writable memory, 0 for any number.
    uint64_t memory;
    /// Seconds of processor time from now on, 0 for any number.
    uint64_t processor_seconds;
    /// Whether it may open network connections.
    int allows_network;
    /// Whether it may write files, which reading a named pipe needs.
    int allows_writing;
};

/// What took effect. Resource limits always do.
enum rs_protection {
    /// No new privileges.
    rs_protection_privileges = 1,
    /// System calls are filtered.
    rs_protection_calls = 2,
    /// It dies with its parent.
    rs_protection_orphan = 4,
};

/// Confines this process for ever: limits, no core file, first to go when memory is short, death
/// with its parent, and a filter of system calls that leaves it reading, computing and writing to
/// what is open. To be called with one thread. The protections that took effect, or -1 where a
/// limit could not be set or the parent is gone.
int rs_confine(const struct rs_confinement *confinement, pid_t parent);

/// Every name that this process looks up from now on is first given to `isAllowed`; a refused one
/// does not resolve. For FFmpeg, which follows redirections by itself. Null: all are allowed.
void rs_guard_host_names(int (*isAllowed)(const char *name));

#endif
