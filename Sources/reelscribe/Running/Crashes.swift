import Glibc

/// What a batch does when its process dies of its own fault in the middle of a job: it notes that in
/// the journal, and goes on in a fresh image of the program.
///
/// The journal counts, so that a job that crashes the process again is given up. All of it happens
/// inside a signal handler, which may only make plain system calls: whatever it needs is prepared
/// before, by one thread, and not changed while handlers are in place.
enum Crashes {
    private static let variable = "REELSCRIBE_GOES_ON"
    private static let signals = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP]

    /// More crashes than that in one run are not its jobs' fault.
    private static let mostImages = 10_000

    /// Images of the program that crashed before this one took over.
    private static let imagesBefore: Int = {
        defer { unsetenv(variable) }
        return getenv(variable).flatMap { Int(String(cString: $0)) } ?? 0
    }()

    /// Whether this image has taken over from one that crashed.
    static var hasGoneOn: Bool { imagesBefore > 0 }

    /// Whether a crash now is one of a job.
    static var isInJob: Bool {
        get { crash.isInJob }
        set { crash.isInJob = newValue }
    }

    /// From here on a crash is noted.
    ///
    /// - Parameters:
    ///   - note: bytes for `descriptor`.
    ///   - goingOn: begin the program again after the note.
    static func note(_ note: String, to descriptor: Int32, goingOn: Bool) {
        crash.descriptor = descriptor
        crash.note = UnsafePointer(strdup(note))
        crash.length = strlen(note)
        if goingOn, imagesBefore < mostImages { prepareNextImage() }
        giveHandlersAStack()
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = onCrash
            action.sa_flags =
                Int32(SA_ONSTACK) | Int32(bitPattern: UInt32(SA_RESETHAND)) | Int32(SA_NODEFER)
            sigaction(number, &action, nil)
        }
    }

    /// Crashes end the process as usual again.
    static func forget() {
        for number in signals { signal(number, SIG_DFL) }
    }

    private static func prepareNextImage() {
        guard let path = realpath("/proc/self/exe", nil) else { return }
        crash.path = UnsafePointer(path)
        crash.arguments = list(CommandLine.arguments)
        var names: [String] = []
        var entry = environ
        while let text = entry.pointee {
            names.append(String(cString: text))
            entry += 1
        }
        crash.environment = list(names + ["\(variable)=\(imagesBefore + 1)"])
    }

    /// A list of C strings that lives as long as the process.
    private static func list(_ texts: [String]) -> UnsafeMutablePointer<
        UnsafeMutablePointer<CChar>?
    > {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
            capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { list[index] = strdup(text) }
        list[texts.count] = nil
        return list
    }

    /// A thread that has used its stack up cannot run a handler on it: each that works on jobs calls
    /// this.
    static func giveHandlersAStack() {
        let size = 1 << 16
        var stack = stack_t()
        stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        stack.ss_size = size
        sigaltstack(&stack, nil)
    }
}

/// What the handler needs. Filled in before it is installed; ``Crashes/isInJob`` is a word of its own
/// that is only read inside it.
private struct CrashState {
    var isInJob = false
    var descriptor: Int32 = -1
    var note: UnsafePointer<CChar>?
    var length = 0
    var path: UnsafePointer<CChar>?
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    var environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
}

/// Only the thread that runs the batch writes it, and the handler reads it.
nonisolated(unsafe) private var crash = CrashState()

private func onCrash(_ number: Int32) {
    let isNoted =
        crash.isInJob && write(crash.descriptor, crash.note, crash.length) == crash.length
        && fsync(crash.descriptor) == 0
    // Without the note, nothing would end a crash that comes again and again.
    if isNoted, let path = crash.path, let arguments = crash.arguments,
        let environment = crash.environment
    {
        execve(path, arguments, environment)
    }
    signal(number, SIG_DFL)
    raise(number)
}
