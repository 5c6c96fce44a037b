import VideoUnderstanding

/// What keeps a batch, as a whole, from going on. What is wrong with one job is its own document.
public enum BatchError: Error, Sendable, Equatable {
    case inputMissing(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    case cannotCreate(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
    /// Results can only be durable in a file that can be read again and shortened.
    case notAFile(path: String)
    /// Another run writes the same results.
    case inUse(path: String)
    /// The results hold a line that no run of ours has written.
    case foreignResults(path: String, line: Int, journal: String)
    case notAJournal(path: String)
    /// Results with their journal, which another file must not replace.
    case resultsOfARun(path: String)
    case jobFile(path: String, [JobFileFault])
    /// A pattern of a job file begins with a path that is not there.
    case inputsMissing(path: String, JobFileFault)
    case manifestAsJobFile(path: String)
    case jobFileAsManifest(path: String)
    case notAResult(path: String, line: Int, reason: String)

    /// The same as a failure of the run.
    public var failure: Failure {
        switch self {
        case .inputMissing(let path, let reason):
            Failure(.inputNotFound, stage: .open, message: "cannot open \(path): \(reason)")
        case .cannotRead(let path, let reason):
            Failure(
                .inputNotFound, stage: .open, message: "cannot read \(path): \(reason)",
                status: .inputMissing)
        case .cannotCreate(let path, let reason):
            Failure(
                .outputUnwritable, stage: .output, message: "cannot create \(path): \(reason)",
                hint: "give another place with --output", status: .outputNotCreated)
        case .cannotWrite(let path, let reason):
            Failure(
                .outputUnwritable, stage: .output, message: "cannot write \(path): \(reason)",
                hint: "what is in it is complete; make room and run the same command again",
                status: .outputNotWritten)
        case .notAFile(let path):
            Failure(
                .outputUnwritable, stage: .output,
                message: "\(path) is no regular file, so that results cannot be kept safe in it",
                hint: "give a file with --output; reelscribe stage writes to pipes",
                status: .outputNotCreated)
        case .inUse(let path):
            Failure(
                .outputUnwritable, stage: .output,
                message: "another run is writing \(path)",
                hint: "wait for it, or give another --output", status: .temporary)
        case .foreignResults(let path, let line, let journal):
            Failure(
                .outputUnwritable, stage: .output,
                message: "line \(line) of \(path) is not in its journal \(journal)",
                hint: "give another --output, or --force to lose what is there and begin again",
                status: .outputNotCreated)
        case .notAJournal(let path):
            Failure(
                .outputUnwritable, stage: .output,
                message: "\(path) is where the journal belongs, but it is something else",
                hint: "give another --output", status: .outputNotCreated)
        case .resultsOfARun(let path):
            Failure(
                .outputUnwritable, stage: .output,
                message: "\(path) holds the results of a run, with their journal beside it",
                hint: "give another --output", status: .outputNotCreated)
        case .jobFile(let path, let faults):
            Failure(
                .jobInvalid, stage: .options,
                message: faults.map { "\(path):\($0)" }.joined(separator: "; "),
                hint: "reelscribe schema job shows what a job file may say")
        case .inputsMissing(let path, let fault):
            Failure(
                .inputNotFound, stage: .open, message: "\(path):\(fault)",
                hint: "check the path; the value of a variable is taken as it is")
        case .manifestAsJobFile(let path):
            Failure(
                .optionsInvalid, stage: .options,
                message: "\(path) looks like a manifest, a job a line, and not like a job file",
                hint: "reelscribe run --input \(path) --output RESULTS.jsonl")
        case .jobFileAsManifest(let path):
            Failure(
                .optionsInvalid, stage: .options,
                message: "\(path) looks like a job file, and not like a manifest, a job a line",
                hint: "reelscribe run \(path)")
        case .notAResult(let path, let line, let reason):
            Failure(
                .inputInvalid, stage: .open, message: "\(path), line \(line): \(reason)",
                hint: "results come from reelscribe run")
        }
    }
}
