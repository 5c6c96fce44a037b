import VideoUnderstanding

/// What a run has done so far.
public struct RunTally: Sendable {
    /// Jobs of the manifest, or of the shard.
    public var total = 0
    /// Jobs that had a result when the run began, and those of them that had failed.
    public var before = 0
    public var failedBefore = 0
    /// Jobs of this run.
    public var done = 0
    public var failed = 0
    /// How often each code stopped a job of this run.
    public var failures: [String: Int] = [:]
    /// Results that no longer fitted their job, and were to be made again.
    public var outdated = 0
    /// Results whose jobs the manifest does not name any more.
    public var orphans = 0
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

    /// The status of the batch so far; jobs without a result do not count.
    public var status: RunStatus { RunStatus(failed: allFailed, of: total - left) }

    /// Jobs that this run has finished in an hour at its speed so far.
    public var perHour: Double { elapsed > 0 ? Double(done + failed) / elapsed * 3600 : 0 }

    mutating func add(_ outcome: JobOutcome) {
        if let failure = outcome.failure {
            failed += 1
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
