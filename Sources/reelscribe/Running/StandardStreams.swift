import VideoUnderstanding

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

enum StandardStreams {
    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorsAreOnTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a line to standard error.
    static func complain(_ line: String) { ProgressMeter.silent.message(line) }
}

extension ProgressMeter {
    /// Says what a reader of plain text would not learn from the document.
    func tell(_ warnings: [WarningRecord]) {
        for warning in warnings { message("reelscribe: warning: \(warning.message)") }
    }
}

extension [WarningRecord] {
    /// Those without which the words of a document would be taken for more than they are.
    var aboutModel: [WarningRecord] { filter { $0.code.hasPrefix("model.") } }
}
