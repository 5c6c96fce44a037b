import OrderedJSON
import VideoUnderstanding

/// What a run has to do: the manifest held against the results of earlier runs.
struct BatchPlan {
    struct Item {
        var entry: ManifestEntry
        /// Nil for a line that is no job.
        var job: Job?
        var request: String
        var stamp: String
    }

    /// In the order of the manifest, but for jobs in the middle of which the process has ended: they
    /// come last, so that one that ends it again has held up no other.
    private(set) var todo: [Item] = []
    /// Lines that are no jobs, done or not.
    private(set) var invalid: [InvalidJob] = []
    /// What earlier runs have done.
    private(set) var tally: RunTally

    /// Results of so many jobs are looked at for what has changed.
    private static let mostCompared = 1000

    /// - Throws: `interrupted`; where the results are those of other shards.
    init(_ reader: JobReader, stored: StoredResults, tally: RunTally) throws(Failure) {
        self.tally = tally
        let options = reader.options
        let entries = reader.manifest.entries(in: options.shard)
        try Self.checkShard(reader, entries, stored)
        self.tally.total = entries.count
        let limit = max(0, (options.limit ?? .max) - stored.finishedByThisRun.count)
        var suspects: [Item] = []
        for entry in entries {
            let (item, invalid) = reader.item(entry)
            if let invalid { self.invalid.append(invalid) }
            if let finished = stored.finished(entry.name),
                try isCurrent(finished, item, reader, stored)
            {
                self.tally.addBefore(finished)
            } else if stored.deaths[entry.name] != nil {
                suspects.append(item)
            } else if todo.count < limit {
                todo.append(item)
            }
        }
        todo += suspects.prefix(limit - todo.count)
        let named = Set(reader.manifest.entries.map(\.name))
        for name in stored.names where !named.contains(name) {
            if stored.finished(name)?.isInvalid ?? false {
                self.tally.superseded += 1
            } else {
                self.tally.orphans += 1
            }
        }
        self.tally.isOtherBatch =
            self.tally.orphans > 0 && !named.isEmpty
            && !stored.names.contains { named.contains($0) }
    }

    /// Refuses to put one shard into the results of another, which would seem to be whole.
    private static func checkShard(
        _ reader: JobReader, _ entries: [ManifestEntry], _ stored: StoredResults
    ) throws(Failure) {
        guard let shard = reader.options.shard else { return }
        let own = Set(entries.map(\.name))
        let others = reader.manifest.entries.count {
            !own.contains($0.name) && stored.finished($0.name) != nil
        }
        guard others == 0 else {
            throw BatchError.otherShards(path: stored.path, jobs: others, shard: shard).failure
        }
    }

    private mutating func isCurrent(
        _ finished: FinishedJob, _ item: Item, _ reader: JobReader, _ stored: StoredResults
    ) throws(Failure) -> Bool {
        if finished.failed, !stored.finishedByThisRun.contains(finished.name) {
            switch reader.options.retry {
            case .nothing: break
            case .worthwhile: if finished.isRetryable { return false }
            case .everything: return false
            }
        }
        var changes: [String] = []
        if finished.request != item.request {
            if tally.outdated < Self.mostCompared {
                changes = reader.changes(of: item, since: stored.documents(of: finished.name))
            }
        } else if finished.stamp != item.stamp {
            var digest: String?
            if finished.sha256 != nil, let job = item.job { digest = reader.digest(job) }
            // Half a digest says nothing about the input.
            try reader.interruption?.check(stage: .tool)
            if digest != nil, digest == finished.sha256 { return true }
            changes = ["input"]
        } else {
            return true
        }
        tally.outdated += 1
        for change in changes { tally.changes[change, default: 0] += 1 }
        return false
    }
}

/// Reads the lines of a manifest as the jobs of a run.
struct JobReader {
    let manifest: Manifest
    let options: BatchOptions
    let base: Settings
    let analyzer: Analyzer
    let interruption: Interruption?

    func line(of entry: ManifestEntry) -> JobLine {
        entry.jobLine(
            base: base, overriding: entry.isOverridden ? manifest.overriding : nil)
    }

    /// An item of the plan, and why it is no job where it is none.
    func item(_ entry: ManifestEntry) -> (BatchPlan.Item, InvalidJob?) {
        switch line(of: entry) {
        case .job(let job):
            let item = BatchPlan.Item(
                entry: entry, job: job, request: request(job).fingerprint,
                stamp: InputStamp.of(job))
            return (item, nil)
        case .invalid(let invalid):
            let item = BatchPlan.Item(
                entry: entry, job: nil, request: JobRequest(invalid).fingerprint, stamp: "none")
            return (item, invalid)
        }
    }

    func changes(of item: BatchPlan.Item, since documents: [JSON]) -> [String] {
        item.job.map { request($0).changes(since: documents) } ?? []
    }

    /// SHA-256 of a job's input; nil where there is none to be had, and after an interruption.
    func digest(_ job: Job) -> String? {
        InputStamp.sha256(of: job) { interruption?.requestedSignal == nil }
    }

    private func request(_ job: Job) -> JobRequest {
        JobRequest(job, analyzer: analyzer, includesTiming: options.includesTiming)
    }
}
