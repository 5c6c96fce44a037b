import OrderedJSON
import VideoUnderstanding

/// How a run came to its end.
public enum RunEnding: String, Sendable {
    /// Every job has a result.
    case complete
    /// `--limit` was reached.
    case limit
    /// `--dry-run`: nothing was done.
    case planned
    case interrupted
    case failed
}

/// `reelscribe/run@1`: what one run of a batch has done.
public struct RunDocument: Document {
    public static let kind = DocumentKind.run

    public var source: String
    public var output: String
    public var shard: Shard?
    public var status: RunStatus
    /// Why the run ended before its jobs did.
    public var failure: Failure?
    public var tally: RunTally
    /// Jobs that a run would do, where this one only looks.
    public var planned: Int?
    /// Nil where the run ended before a model was loaded.
    public var model: ModelRecord?

    public init(
        source: String, output: String, shard: Shard?, status: RunStatus, failure: Failure?,
        tally: RunTally, planned: Int? = nil, model: ModelRecord?
    ) {
        self.source = source
        self.output = output
        self.shard = shard
        self.status = status
        self.failure = failure
        self.tally = tally
        self.planned = planned
        self.model = model
    }

    public var ending: RunEnding {
        if let failure { return failure.code == .interrupted ? .interrupted : .failed }
        if planned != nil { return .planned }
        return tally.left > 0 ? .limit : .complete
    }

    /// The same for a person: what was done, how fast, and what is to be done now.
    public var text: String {
        var text: String
        if let planned, failure == nil {
            text = "nothing was run; jobs to do: \(planned) of \(tally.total)"
        } else {
            text = "jobs done: \(tally.done), failed: \(tally.failed)"
            text += ", in \(ProgressText.duration(tally.elapsed))"
            // Of less than a second nothing is learnt about an hour.
            if tally.elapsed >= 1 { text += ", \(Int(tally.perHour.rounded())) an hour" }
        }
        if tally.before > 0 {
            text += "; done before: \(tally.before)"
            if tally.failedBefore > 0 { text += ", \(tally.failedBefore) of them failed" }
        }
        text += "; results: \(output)"
        if tally.allFailed > 0 { text += "; errors are in the results: \(tally.retryAdvice)" }
        if planned == nil, tally.left > 0 {
            text += "; left: \(tally.left), which the same command goes on with"
        }
        return text
    }

    public var json: JSON {
        var object: JSONObject = [
            "schema": .string(Self.kind.identifier), "source": .string(source),
            "output": .string(output),
        ]
        if let shard { object["shard"] = .string("\(shard.index)/\(shard.count)") }
        object["status"] = .int(Int(status.rawValue))
        object["ended"] = .string(ending.rawValue)
        if let failure { object["error"] = ErrorDocument(uri: nil, failure: failure).json["error"] }
        object["jobs"] = [
            "total": .int(tally.total), "before": .int(tally.before), "done": .int(tally.done),
            "failed": .int(tally.failed), "left": .int(tally.left),
            "failed_before": .int(tally.failedBefore), "outdated": .int(tally.outdated),
            "orphans": .int(tally.orphans), "retryable": .int(tally.retryable),
        ]
        if !tally.changes.isEmpty {
            object["changes"] = .object(
                JSONObject(
                    tally.orderedChanges.map {
                        JSONObject.Member(key: $0.name, value: .int($0.count))
                    }))
        }
        object["failures"] = .object(
            JSONObject(
                tally.failures.sorted { $0.key < $1.key }.map {
                    JSONObject.Member(key: $0.key, value: .int($0.value))
                }))
        object["repaired_bytes"] = .int(tally.repairedBytes)
        object["frames"] = .int(tally.frames)
        object["usage"] = [
            "visual_tokens": .int(tally.usage.visualTokens),
            "prompt_tokens": .int(tally.usage.promptTokens),
            "generated_tokens": .int(tally.usage.generatedTokens),
        ]
        object["stages"] = .object(
            JSONObject(
                tally.timing.stages.map {
                    JSONObject.Member(key: $0.name, value: .decimal($0.seconds, decimals: 3))
                }))
        object["elapsed"] = .decimal(tally.elapsed, decimals: 3)
        object["jobs_per_hour"] = .decimal(tally.perHour, decimals: 1)
        object["memory_peak"] = .int(ProcessMemory.peak)
        if let model {
            object["model"] = [
                "name": .string(model.name), "fingerprint": .string(model.fingerprint),
                "weights": .string(model.weights), "mrope": .string(model.mrope),
            ]
        }
        object["tool"] = [
            "name": .string(ToolRecord.current.name),
            "version": .string(ToolRecord.current.version),
        ]
        return .object(object)
    }
}

extension TimingRecord {
    /// The stages by name, in the order of the path.
    var stages: [(name: String, seconds: Double)] {
        [
            ("open", open), ("decode", decode), ("preprocess", preprocess), ("vision", vision),
            ("prefill", prefill), ("generate", generate),
        ]
    }
}
