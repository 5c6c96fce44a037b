/// How a batch is run; what its jobs are is the manifest's business.
public struct BatchOptions: Sendable {
    /// The results, JSON Lines.
    public var output: String
    /// Which jobs that failed before are done again.
    public var retry = Retry.nothing
    /// Results of earlier runs are lost, and all jobs are done.
    public var startsOver = false
    /// The process of this run has crashed and goes on: what it was told to do again is not done a
    /// third time.
    public var isContinuing = false
    /// At most so many jobs are worked on in this run.
    public var limit: Int?
    /// Results stay in the order in which they were finished.
    public var isUnordered = false
    public var shard: Shard?
    /// False leaves out of the documents what differs between equal runs.
    public var includesTiming = true

    /// Which failures are tried again although nothing has changed.
    public enum Retry: Sendable {
        case nothing
        /// Those whose error says that it may help.
        case worthwhile
        /// Others too: what stopped them may lie outside of what a job asks for, such as a limit.
        case everything
    }

    /// Where the journal of results lies.
    public static func journalPath(of results: String) -> String {
        ResultStore.journalPath(of: results)
    }

    public init(output: String) { self.output = output }
}
