import Glibc
import VideoUnderstanding

/// The state of a run as a text file that Prometheus' node exporter collects.
///
/// The file is replaced as a whole, so that a reader never sees half of it.
public struct RunMetrics {
    private let path: String
    private var writtenAt: ContinuousClock.Instant?

    /// Seconds between two writings.
    private static let interval = Duration.seconds(5)

    public init(path: String) { self.path = path }

    /// - Throws: `output.unwritable` where the file cannot be written, before anything depends on it.
    public func check() throws(Failure) {
        do throws(BatchError) {
            try AtomicFile.check(path)
        } catch {
            throw error.failure
        }
    }

    /// Writes the file, unless that was done a moment ago.
    ///
    /// - Parameters:
    ///   - isLast: writes in any case.
    /// - Throws: `output.unwritable`.
    public mutating func write(_ tally: RunTally, isLast: Bool = false) throws(Failure) {
        let now = ContinuousClock.now
        if !isLast, let writtenAt, now - writtenAt < Self.interval { return }
        writtenAt = now
        var text: [UInt8]? = Array(Self.text(tally, time: Int(Glibc.time(nil))).utf8)
        do throws(BatchError) {
            // Numbers of the past are worth no waiting for the disk.
            try AtomicFile.replace(path, durably: false) { () throws(BatchError) in
                defer { text = nil }
                return text
            }
        } catch {
            throw error.failure
        }
    }

    /// - Parameter time: seconds since 1970.
    static func text(_ tally: RunTally, time: Int) -> String {
        var text = MetricsText()
        text.add("jobs", "gauge", "Jobs of the batch by state.") { metric in
            metric.sample("done", "\(tally.before - tally.failedBefore + tally.done)", "state")
            metric.sample("failed", "\(tally.allFailed)", "state")
            metric.sample("left", "\(tally.left)", "state")
        }
        text.add("jobs_finished_total", "counter", "Jobs finished by this run.") { metric in
            metric.sample("done", "\(tally.done)", "result")
            metric.sample("failed", "\(tally.failed)", "result")
        }
        text.add("jobs_reused", "gauge", "Jobs whose results an earlier run had made.") {
            $0.sample("\(tally.before)")
        }
        text.add("failures_total", "counter", "Failed jobs of this run by code.") { metric in
            for failure in tally.failures.sorted(by: { $0.key < $1.key }) {
                metric.sample(failure.key, "\(failure.value)", "code")
            }
        }
        text.add("frames_total", "counter", "Frames that the model saw.") {
            $0.sample("\(tally.frames)")
        }
        text.add("tokens_total", "counter", "Tokens by kind; prompts include visual ones.") {
            metric in
            metric.sample("visual", "\(tally.usage.visualTokens)", "kind")
            metric.sample("prompt", "\(tally.usage.promptTokens)", "kind")
            metric.sample("generated", "\(tally.usage.generatedTokens)", "kind")
        }
        text.add("stage_seconds_total", "counter", "Seconds by stage.") { metric in
            for stage in tally.timing.stages {
                metric.sample(stage.name, "\(stage.seconds)", "stage")
            }
        }
        text.add("run_seconds", "gauge", "Seconds since the run began.") {
            $0.sample("\(tally.elapsed)")
        }
        text.add("memory_peak_bytes", "gauge", "Largest resident size so far.") {
            $0.sample("\(ProcessMemory.peak)")
        }
        text.add("updated_timestamp_seconds", "gauge", "When this file was written.") {
            $0.sample("\(time)")
        }
        return text.text
    }
}

/// Prometheus' text format.
private struct MetricsText {
    private(set) var text = ""
    private var name = ""

    mutating func add(
        _ name: String, _ type: String, _ help: String, _ samples: (inout MetricsText) -> Void
    ) {
        self.name = "reelscribe_\(name)"
        text += "# HELP \(self.name) \(help)\n# TYPE \(self.name) \(type)\n"
        samples(&self)
    }

    mutating func sample(_ value: String) { text += "\(name) \(value)\n" }

    /// Labels are words of our own: nothing in them needs escaping.
    mutating func sample(_ label: String, _ value: String, _ key: String) {
        text += "\(name){\(key)=\"\(label)\"} \(value)\n"
    }
}
