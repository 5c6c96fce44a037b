import VideoUnderstanding

/// What a run has done so far.
public struct RunTally: Sendable {
    /// Jobs of the manifest, or of the shard.
    public var total = 0
    /// Jobs that had a result when the run began, and those of them that had failed.
    public var before = 0
    public var failedBefore = 0
    /// Of the jobs that failed, in this run or before, those whose error says that trying again may help.
    public var retryable = 0
    /// Jobs of this run.
    public var done = 0
    public var failed = 0
    /// How often each code stopped a job of this run.
    public var failures: [String: Int] = [:]
    /// Results that no longer fitted their job, and were to be made again.
    public var outdated = 0
    /// What has changed since, by the names of options and of parts of a job, as far as results tell it.
    public var changes: [String: Int] = [:]
    /// Results whose jobs the manifest does not name any more.
    public var orphans = 0
    /// Not one result is that of a job of the manifest.
    public var isOtherBatch = false
    /// Errors of lines that were no jobs, and that the manifest does not hold any more: they go.
    public var superseded = 0
    public var repairedBytes = 0
    public var frames = 0
    public var usage = UsageRecord()
    /// Of the documents' stages, added up.
    public var timing = TimingRecord()
    /// Seconds since the run began.
    public var elapsed = 0.0

    public init() {}

    /// Jobs without a result.
    public var left: Int { total - before - done - failed }

    /// Jobs with a result that failed, in this run or before.
    public var allFailed: Int { failedBefore + failed }

    /// What can be done about the jobs that have failed.
    public var retryAdvice: String {
        switch retryable {
        case 0:
            "none is worth another try until its input or line has changed (--retry-all tries all the same)"
        case allFailed...: "--retry-failed tries them again"
        default: "--retry-failed tries again the \(retryable) of them that it may help"
        }
    }

    /// What has changed, most frequent first.
    var orderedChanges: [(name: String, count: Int)] {
        changes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { (name: $0.key, count: $0.value) }
    }

    /// What has changed, for a person: `fps (3), input (1)`; empty where results do not tell it.
    public var changesText: String {
        orderedChanges.map { "\($0.name) (\($0.count))" }.joined(separator: ", ")
    }

    /// The status of the batch so far; jobs without a result do not count.
    public var status: RunStatus { RunStatus(failed: allFailed, of: total - left) }

    /// Jobs that this run has finished in an hour at its speed so far.
    public var perHour: Double { elapsed > 0 ? Double(done + failed) / elapsed * 3600 : 0 }

    mutating func addBefore(_ job: FinishedJob) {
        before += 1
        if job.failed { failedBefore += 1 }
        if job.isRetryable { retryable += 1 }
    }

    mutating func add(_ outcome: JobOutcome) {
        if let failure = outcome.failure {
            failed += 1
            if failure.retryable { retryable += 1 }
            failures[failure.code.rawValue, default: 0] += 1
        } else {
            done += 1
        }
        frames += outcome.frames
        usage += outcome.usage
        timing += outcome.timing
    }
}

extension TimingRecord {
    static func += (sum: inout TimingRecord, part: TimingRecord) {
        sum.open += part.open
        sum.decode += part.decode
        sum.preprocess += part.preprocess
        sum.vision += part.vision
        sum.prefill += part.prefill
        sum.generate += part.generate
        sum.total += part.total
    }
}
