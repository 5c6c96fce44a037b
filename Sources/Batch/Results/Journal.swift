import OrderedJSON

/// What a run notes beside its results, a JSON line each.
///
/// A note is on the disk before the next step begins: `started`, then the documents in the results,
/// then `done` or `failed`. So whatever the moment at which a run ends, its successor can tell which
/// documents are whole.
enum JournalNote: Sendable, Equatable {
    /// A run begins, as the user started it.
    case begun
    ///
    /// - Parameter beside: jobs of the same run that had begun and not ended; none: whatever was open
    ///   belongs to a run that has died.
    case started(job: String, beside: Int = 0)
    /// An error document follows for what is not worked on: a line that is no job, or a job that was
    /// given up. An end of the process in between is none in the middle of the job.
    case answering(job: String, beside: Int = 0)
    case finished(FinishedJob)
    /// The run was asked to stop: the job was given back, and nothing is held against it.
    case released(job: String)
    /// The process died of a fault of its own.
    case crashed

    static let header = #"{"journal":"reelscribe/run-journal@1"}"#
    static let crashLine = "{\"event\":\"crashed\"}\n"

    var line: String {
        switch self {
        case .started(let job, let beside): return Self.line("started", job, beside)
        case .answering(let job, let beside): return Self.line("answering", job, beside)
        case .released(let job):
            return JSON.object(["event": "released", "job": .string(job)]).compact + "\n"
        case .begun: return "{\"event\":\"begun\"}\n"
        case .crashed: return Self.crashLine
        case .finished(let job):
            var object: JSONObject = [
                "event": .string(job.failed ? "failed" : "done"), "job": .string(job.name),
                "request": .string(job.request), "stamp": .string(job.stamp),
            ]
            if job.failed, !job.isRetryable { object["retryable"] = false }
            if let sha256 = job.sha256 { object["sha256"] = .string(sha256) }
            if job.isInvalid { object["invalid"] = true }
            object["lines"] = .array(job.lines.map(JSON.string))
            return JSON.object(object).compact + "\n"
        }
    }

    private static func line(_ event: String, _ job: String, _ beside: Int) -> String {
        var object: JSONObject = ["event": .string(event), "job": .string(job)]
        if beside > 0 { object["beside"] = .int(beside) }
        return JSON.object(object).compact + "\n"
    }

    /// Nil for what is no note.
    init?(_ line: [UInt8]) {
        guard let value = try? JSON.parse(line), let event = value["event"]?.string else {
            return nil
        }
        if event == "crashed" || event == "begun" {
            self = event == "begun" ? .begun : .crashed
            return
        }
        guard let job = value["job"]?.string else { return nil }
        switch event {
        case "started": self = .started(job: job, beside: value["beside"]?.int ?? 0)
        case "answering": self = .answering(job: job, beside: value["beside"]?.int ?? 0)
        case "released": self = .released(job: job)
        case "done", "failed":
            guard let request = value["request"]?.string, let stamp = value["stamp"]?.string,
                let lines = value["lines"]?.array, !lines.isEmpty
            else { return nil }
            let digests = lines.compactMap(\.string)
            guard digests.count == lines.count else { return nil }
            self = .finished(
                FinishedJob(
                    name: job, failed: event == "failed",
                    isRetryable: event == "failed" && value["retryable"]?.bool ?? true,
                    request: request, stamp: stamp, sha256: value["sha256"]?.string,
                    isInvalid: value["invalid"]?.bool ?? false, lines: digests))
        default: return nil
        }
    }
}

/// A job whose documents are in the results, whole.
struct FinishedJob: Sendable, Equatable {
    /// How the journal calls it.
    var name: String
    var failed: Bool
    /// It failed, and trying again may help.
    var isRetryable: Bool
    /// Of everything that was asked for: task, settings, model, and what the line carries.
    var request: String
    /// Of the input as it lay on the disk, cheap to take.
    var stamp: String
    /// Of the input's bytes.
    var sha256: String?
    /// It was no job but a line that is none, so that its error says nothing once the line is gone.
    var isInvalid = false
    /// Fingerprints of its documents' lines, in order. They find the documents wherever they stand
    /// in the results.
    var lines: [String]
}

/// What the journal tells of the runs before.
struct JournalHistory {
    /// All jobs that were ever finished, in order.
    private(set) var finished: [FinishedJob] = []
    /// How often the process ended in the middle of a job since it was last finished or given back. A
    /// job that was open beside others is here with no end that counts: it may have been any of them.
    private(set) var deaths: [String: Deaths] = [:]
    /// Whether the last run ended between the start of a job and the note of its end.
    private(set) var hasOpenJob = false
    /// Names of the jobs that the last run has finished.
    private(set) var finishedSinceBegin: Set<String> = []
    private var open: Set<String> = []
    /// Nothing was noted: the journal is new.
    private(set) var isEmpty = true

    /// Ends of the process during one job.
    struct Deaths: Sendable, Equatable {
        /// Of faults of its own.
        var crashes = 0
        /// Without a word: killed from outside, or with the machine.
        var silent = 0
    }

    mutating func add(_ note: JournalNote) {
        isEmpty = false
        switch note {
        case .begun:
            closeSilently()
            finishedSinceBegin = []
            return
        case .started(let job, let beside):
            if beside == 0 { closeSilently() }
            open.insert(job)
        case .answering(_, let beside):
            if beside == 0 { closeSilently() }
            hasOpenJob = true
            return
        case .finished(let job):
            finished.append(job)
            finishedSinceBegin.insert(job.name)
            deaths[job.name] = nil
            open.remove(job.name)
        case .released(let job):
            deaths[job] = nil
            open.remove(job)
        case .crashed:
            close(\.crashes)
            hasOpenJob = true
            return
        }
        hasOpenJob = !open.isEmpty
    }

    /// The journal has ended.
    mutating func end() { closeSilently() }

    private mutating func closeSilently() { close(\.silent) }

    /// The process has ended in the middle of all jobs that are open.
    private mutating func close(_ kind: WritableKeyPath<Deaths, Int>) {
        for job in open { deaths[job, default: Deaths()][keyPath: kind] += open.count == 1 ? 1 : 0 }
        open = []
    }
}
