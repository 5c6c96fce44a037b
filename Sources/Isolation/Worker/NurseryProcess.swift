internal import CSandbox
import Glibc

/// The process that starts decoding processes.
///
/// Starting a program of this size costs some fifty milliseconds, most of them for its libraries;
/// forking it costs one or two. So the tool starts itself once more as this process, which never
/// touches an input and stays at one thread; each input gets a fork of it. It ends when the tool
/// closes the socket between them, be it by dying, and its children end with it.
public enum NurseryProcess {
    /// Serves the socket that was handed down, to its end.
    ///
    /// - Parameter fault: what decoding processes are to do wrong, for tests.
    public static func run(fault: InjectedFault? = nil) -> Never {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        signal(SIGTERM, SIG_IGN)
        let control = rs_inherited_socket
        _ = fcntl(control, F_SETFD, FD_CLOEXEC)
        let ends = rs_watch_children()
        guard ends >= 0 else { _exit(71) }
        var children: Set<pid_t> = []
        while true {
            var waiting = [
                pollfd(fd: control, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ends, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waiting, 2, -1) > 0 else { continue }
            if waiting[1].revents != 0 {
                drain(ends)
                reap(&children, control)
            }
            if waiting[0].revents != 0, !serve(control, ends, &children, fault) {
                for child in children { kill(child, SIGKILL) }
                _exit(0)
            }
        }
    }

    /// Does what one message asks for; false at the end.
    private static func serve(
        _ control: Int32, _ ends: Int32, _ children: inout Set<pid_t>, _ fault: InjectedFault?
    ) -> Bool {
        var bytes = [UInt8](repeating: 0, count: ControlMessage.length)
        var handed: Int32 = -1
        let count = rs_receive_descriptor(control, &bytes, bytes.count, &handed)
        guard count > 0 else { return false }
        defer { if handed >= 0 { close(handed) } }
        switch ControlMessage(Array(bytes[..<count])) {
        case .start(let memory, let seconds, let network, let writing) where handed >= 0:
            let confinement = rs_confinement(
                memory: UInt64(clamping: memory), processor_seconds: UInt64(clamping: seconds),
                allows_network: network ? 1 : 0, allows_writing: writing ? 1 : 0)
            let parent = getpid()
            let child = rs_fork()
            if child == 0 {
                close(control)
                close(ends)
                DecodeProcess.run(handed, confinement, parent: parent, fault: fault)
            }
            if child > 0 { children.insert(child) }
            return tell(.started(process: max(0, child)), control)
        case .kill(let process):
            // Only what was started here, and was not reaped, has that number for sure.
            if children.contains(process) { kill(process, SIGKILL) }
            return true
        default:
            return false
        }
    }

    private static func reap(_ children: inout Set<pid_t>, _ control: Int32) {
        var status: Int32 = 0
        var usage = rusage()
        while true {
            let child = wait4(-1, &status, WNOHANG, &usage)
            guard child > 0 else { return }
            children.remove(child)
            let end = ProcessEnd(status: status, peakMemory: usage.ru_maxrss * 1024)
            _ = tell(.ended(process: child, end), control)
        }
    }

    private static func tell(_ message: ControlMessage, _ control: Int32) -> Bool {
        let bytes = message.bytes
        return send(control, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    private static func drain(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 1024)
        while read(descriptor, &bytes, bytes.count) > 0 {}
    }
}
