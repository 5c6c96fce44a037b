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
    /// There are results, but no journal beside them.
    case noJournal(path: String, journal: String)
    /// Results of jobs that belong to other shards of the same batch.
    case otherShards(path: String, jobs: Int, shard: Shard)
    case notAJournal(path: String)
    /// Results with their journal, which another file must not replace.
    case resultsOfARun(path: String)
    case jobFile(path: String, [JobFileFault])
    /// A pattern of a job file begins with a path that is not there.
    case inputsMissing(path: String, JobFileFault)
    /// What a job file names as a manifest is something else.
    case inputOfWrongKind(path: String, line: Int, named: String, FileKind)
    case jobFileMissing(path: String, reason: String, ready: [String])
    /// The file is something else than it was given as.
    case wrongKind(path: String, FileKind, givenAs: FileUse)
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
        case .noJournal(let path, let journal):
            Failure(
                .outputUnwritable, stage: .output,
                message: "\(path) has something in it, but there is no journal \(journal) that "
                    + "tells which results in it are whole",
                hint:
                    "no run goes on with a merged file: run its shards again, and merge them. Else "
                    + "bring the journal back, give another --output, or --force to lose what is there",
                status: .outputNotCreated)
        case .otherShards(let path, let jobs, let shard):
            Failure(
                .outputUnwritable, stage: .output,
                message: "\(path) holds results of \(jobs == 1 ? "1 job" : "\(jobs) jobs") of this "
                    + "batch outside of shard \(shard.text)",
                hint: "give each shard an --output of its own, and the whole batch another; "
                    + "reelscribe merge puts them together",
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
                hint: "paths start at the current folder; variables are set with --set NAME=VALUE, "
                    + "and their values are taken as they are")
        case .inputOfWrongKind(let path, let line, let name, let kind):
            kind.failure(of: name, givenAs: .manifest).inJobFile("\(path):\(line)")
        case .jobFileMissing(let path, let reason, let ready):
            Failure(
                .inputNotFound, stage: .open, message: "cannot open \(path): \(reason)",
                hint: ready.isEmpty
                    ? "give the path of a job file; reelscribe schema job shows what one may say"
                    : "give the path of a job file, or the name of a ready one: "
                        + ready.joined(separator: ", "))
        case .wrongKind(let path, let kind, let use): kind.failure(of: path, givenAs: use)
        case .notAResult(let path, let line, let reason):
            Failure(
                .inputInvalid, stage: .open, message: "\(path), line \(line): \(reason)",
                hint: "results come from reelscribe run")
        }
    }
}

extension Failure {
    /// The same at a place of a job file, of which it is a fault.
    fileprivate func inJobFile(_ place: String) -> Failure {
        Failure(.jobInvalid, stage: stage, message: "\(place): \(message)", hint: hint)
    }
}
