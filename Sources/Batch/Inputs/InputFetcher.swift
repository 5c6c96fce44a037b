internal import CSandbox
import Glibc
import Synchronization
import Video
import VideoUnderstanding

/// Finds the inputs of jobs; those at addresses that FFmpeg does not read are fetched by a user's
/// command into a scratch folder first.
///
/// No more files lie there than there are jobs in flight, each no larger than the limit.
public final class InputFetcher: Sendable {
    public struct Limits: Sendable, Equatable {
        /// Bytes of one file.
        public var bytes: Int
        /// Seconds for one file.
        public var seconds: Double

        public init(bytes: Int = 8 << 30, seconds: Double = 600) {
            self.bytes = bytes
            self.seconds = seconds
        }
    }

    private let command: FetchCommand?
    private let limits: Limits
    private let folder: ScratchFolder?
    private let fetched = Atomic(0)
    private let isCancelled = Atomic(false)
    /// Commands that were not waited for yet; each leads a process group.
    private let running = Mutex<Set<pid_t>>([])

    /// - Parameter command: nil: such addresses are refused, and no folder is made.
    public init(_ command: FetchCommand?, limits: Limits = Limits()) throws(Failure) {
        self.command = command
        self.limits = limits
        folder = command == nil ? nil : try ScratchFolder()
    }

    /// Ends the commands that run; from any thread.
    public func cancel() {
        isCancelled.store(true, ordering: .releasing)
        running.withLock { for process in $0 { kill(-process, SIGKILL) } }
    }

    /// Ends what runs, and removes all that was fetched. For the end of a process, which may hold
    /// on to this for ever.
    public func close() {
        cancel()
        // Their threads see to the rest; without them this process leaves nothing to write there.
        for _ in 0..<200 where !running.withLock(\.isEmpty) { usleep(10_000) }
        folder?.removeNow()
    }

    /// What a job's `video` is; fetched where it must be.
    public func open(_ job: Job) throws(Failure) -> JobInput {
        guard let command, let folder, Self.isFetched(job.video) else {
            do throws(Failure) {
                return JobInput(try VideoInput.resolving(job.video, settings: job.settings))
            } catch {
                var failure = error
                if failure.code == .inputUnsupportedURL, command == nil {
                    failure.hint = "http:// and https:// are read; give --fetch for other addresses"
                }
                throw failure
            }
        }
        let file = try folder.file(fetched.add(1, ordering: .relaxed).newValue)
        try run(command.arguments(uri: job.video, path: file.path), uri: job.video, file: file)
        let input = VideoInput.fetched(path: file.path, uri: job.video, isImage: false)
        return JobInput(
            job.settings.decoding == .inProcess ? input.probed() : input, lease: file)
    }

    /// Whether it has a scheme that neither FFmpeg nor the file system reads.
    static func isFetched(_ video: String) -> Bool {
        guard let separator = video.firstRange(of: "://") else { return false }
        let scheme = video[..<separator.lowerBound].lowercased()
        // A letter first, as RFC 3986 has it: a dash would make it an option of the command.
        let isScheme =
            scheme.utf8.first.map { (97...122).contains($0) } ?? false
            && scheme.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || "+-.".utf8.contains($0)
            }
        return isScheme && !["http", "https", "file"].contains(scheme)
    }

    // MARK: - Running the command

    private func run(_ words: [String], uri: String, file: ScratchFile) throws(Failure) {
        let log = file.log
        defer { unlink(log) }
        let process = try running.withLock { running throws(Failure) in
            if isCancelled.load(ordering: .acquiring) { throw Self.interrupted(uri) }
            let process = try Self.start(words, uri: uri, log: log)
            running.insert(process)
            return process
        }
        let deadline = ContinuousClock.now + .seconds(limits.seconds)
        var status: Int32 = 0
        var reason: Failure?
        while !isOver(process, &status) {
            if reason == nil {
                reason = reasonToEnd(uri, file, deadline)
                // All that the command started.
                if reason != nil { kill(-process, SIGKILL) }
            }
            usleep(10_000)
        }
        if let reason { throw reason }
        if isCancelled.load(ordering: .acquiring) { throw Self.interrupted(uri) }
        if file.size > limits.bytes { throw tooLarge(uri) }
        guard status == 0 else {
            let how =
                status & 0x7F == 0
                ? "exit code \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
            throw Self.unreachable(uri, "the fetch command ended with \(how)", log)
        }
        var facts = stat()
        guard stat(file.path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw Self.unreachable(uri, "the fetch command left no file at {path}", log)
        }
    }

    /// Whether a command has ended; from then on its number may be another's.
    private func isOver(_ process: pid_t, _ status: inout Int32) -> Bool {
        running.withLock { running in
            let done = waitpid(process, &status, WNOHANG)
            guard done == process || (done < 0 && errno != EINTR) else { return false }
            // What it left behind in its group must not write on.
            kill(-process, SIGKILL)
            running.remove(process)
            return true
        }
    }

    private static func interrupted(_ uri: String) -> Failure {
        Failure(.interrupted, stage: .open, message: "\(uri): fetching was interrupted")
    }

    private func reasonToEnd(
        _ uri: String, _ file: ScratchFile, _ deadline: ContinuousClock.Instant
    ) -> Failure? {
        if isCancelled.load(ordering: .acquiring) { return Self.interrupted(uri) }
        if file.size > limits.bytes { return tooLarge(uri) }
        if ContinuousClock.now > deadline {
            return Failure(
                FailureCode(rawValue: "input.unreachable"), stage: .open,
                message: "\(uri): it was not fetched in \(Int(limits.seconds)) s",
                hint: "raise --fetch-timeout, or try again", status: .temporary)
        }
        return nil
    }

    private func tooLarge(_ uri: String) -> Failure {
        Failure(VideoError.tooManyBytes(uri: uri, limit: limits.bytes), stage: .open)
    }

    private static func unreachable(_ uri: String, _ what: String, _ log: String) -> Failure {
        let said = lastWords(log)
        return Failure(
            FailureCode(rawValue: "input.unreachable"), stage: .open,
            message: "\(uri): \(what)" + (said.isEmpty ? "" : ": \(said)"),
            hint: "check the address and the command, then try again", status: .temporary)
    }

    /// The end of what a command printed.
    private static func lastWords(_ log: String) -> String {
        let descriptor = Glibc.open(log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 400)
        let end = lseek(descriptor, 0, SEEK_END)
        let count = pread(descriptor, &bytes, bytes.count, max(0, end - bytes.count))
        let text = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// Starts a program, found in PATH, with nothing to read and its words in a file.
    private static func start(
        _ words: [String], uri: String, log: String
    ) throws(Failure) -> pid_t {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let status = rs_spawn_command(arguments, log, &process)
        guard status == 0 else {
            throw Failure(
                .optionsInvalid, stage: .open,
                message: "\(uri): the fetch command \(words[0]) cannot be started: "
                    + String(cString: strerror(status)), hint: "check --fetch")
        }
        return process
    }
}
