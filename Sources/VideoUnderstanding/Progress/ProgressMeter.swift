import OrderedJSON
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How progress is shown on standard error.
public enum ProgressStyle: String, Sendable, CaseIterable {
    /// A bar on a terminal, nothing elsewhere.
    case auto
    case bar, lines, json, none

    /// The style for a standard error that is, or is not, a terminal.
    public func resolved(onTerminal: Bool) -> ProgressStyle {
        self == .auto ? (onTerminal ? .bar : .none) : self
    }
}

/// What a speed is told in.
public enum ProgressPace: Sendable {
    case perSecond, perHour
}

/// Shows how far a run is, and how long it will still take.
///
/// May be called from any thread. Texts for people go through it too, so that they do not tear the
/// bar apart.
public final class ProgressMeter: Sendable {
    private struct State {
        var task: String?
        var unit = ""
        var done = 0
        var failed: Int?
        var total: Int?
        var pace = ProgressPace.perSecond
        var startedAt = 0.0
        var shownAt = -Double.infinity
        var barIsDrawn = false
    }

    private let style: ProgressStyle
    private let width: @Sendable () -> Int
    private let now: @Sendable () -> Double
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - style: not `auto`; see ``ProgressStyle/resolved(onTerminal:)``.
    ///   - width: columns of the terminal.
    ///   - now: seconds of a clock that does not jump.
    ///   - write: gets text for standard error.
    public init(
        style: ProgressStyle, width: @escaping @Sendable () -> Int,
        now: @escaping @Sendable () -> Double, write: @escaping @Sendable (String) -> Void
    ) {
        self.style = style
        self.width = width
        self.now = now
        self.write = write
    }

    /// Progress on standard error.
    public static func standardError(_ style: ProgressStyle) -> ProgressMeter {
        ProgressMeter(
            style: style.resolved(onTerminal: isatty(STDERR_FILENO) == 1),
            width: { StandardError.columns }, now: { StandardError.seconds },
            write: { StandardError.write($0) })
    }

    /// No progress; messages still reach standard error.
    public static var silent: ProgressMeter { standardError(.none) }

    /// Begins a task, and ends the one before.
    ///
    /// - Parameters:
    ///   - task: what is done, as a noun: `decode`, `vision`, …
    ///   - total: how many units there will be; nil where nobody knows.
    ///   - unit: what is counted; empty where nothing is, so that a line says when it begins alone.
    ///   - pace: what the speed is told in.
    public func begin(
        _ task: String, total: Int? = nil, unit: String, pace: ProgressPace = .perSecond
    ) {
        state.withLock { state in
            finish(&state)
            state.task = task
            state.unit = unit
            state.done = 0
            state.failed = nil
            state.total = total
            state.pace = pace
            state.startedAt = now()
            state.shownAt = -.infinity
            show(&state, isLast: false)
        }
    }

    /// Sets how many units are done, from the beginning of the task.
    ///
    /// - Parameter failed: how many of them have failed; nil where that has no meaning.
    public func advance(to done: Int, failed: Int? = nil) {
        state.withLock { state in
            guard state.task != nil else { return }
            state.done = done
            state.failed = failed
            show(&state, isLast: false)
        }
    }

    /// Ends the task at hand and wipes the bar away.
    public func finish() { state.withLock { finish(&$0) } }

    /// Writes a line for people, above the bar.
    public func message(_ line: String) {
        state.withLock { state in
            wipe(&state)
            write(line + "\n")
        }
    }

    // MARK: - Drawing

    /// Seconds between two looks of the same task.
    private var interval: Double {
        switch style {
        case .bar: 0.1
        case .json: 0.5
        default: 5
        }
    }

    private func finish(_ state: inout State) {
        guard state.task != nil else { return }
        if style == .bar {
            wipe(&state)
        } else if style == .json || !state.unit.isEmpty {
            show(&state, isLast: true)
        }
        state.task = nil
    }

    private func show(_ state: inout State, isLast: Bool) {
        guard let task = state.task, style != .none else { return }
        let time = now()
        guard isLast || time - state.shownAt >= interval else { return }
        state.shownAt = time
        let elapsed = max(0, time - state.startedAt)
        let rate = elapsed > 0 && state.done > 0 ? Double(state.done) / elapsed : nil
        let left = rate.flatMap { rate in
            state.total.map { Double(max(0, $0 - state.done)) / rate }
        }
        switch style {
        case .json:
            var members = ObjectBuilder()
            members.add("event", isLast ? "done" : "progress")
            members.add("task", task)
            members.add("done", state.done)
            members.add("total", orNull: state.total.map(JSON.int))
            members.add("unit", state.unit)
            members.add("failed", ifPresent: state.failed.map(JSON.int))
            members.add("elapsed", .decimal(elapsed, decimals: 3))
            members.add("rate", orNull: rate.map { .decimal($0, decimals: 3) })
            members.add("left", orNull: left.map { .decimal($0, decimals: 1) })
            write(members.json.compact + "\n")
        case .bar:
            let text = ProgressText.bar(
                task: task, done: state.done, total: state.total, unit: state.unit, rate: rate,
                left: left, failed: state.failed, pace: state.pace, width: width())
            write("\r\u{1B}[K" + text)
            state.barIsDrawn = true
        default:
            let text = ProgressText.line(
                task: task, done: state.done, total: state.total, unit: state.unit, rate: rate,
                left: isLast ? nil : left, failed: state.failed, pace: state.pace)
            write("reelscribe: \(text)\n")
        }
    }

    private func wipe(_ state: inout State) {
        guard state.barIsDrawn else { return }
        write("\r\u{1B}[K")
        state.barIsDrawn = false
        state.shownAt = -.infinity
    }
}

/// What the terminal behind standard error is like.
enum StandardError {
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Writes all of it; nobody can be told that standard error is gone.
    static func write(_ text: String) { FileOutput.writeAll(text, to: STDERR_FILENO) }
}
