/// How a batch is run; what its jobs are is the manifest's business.
public struct BatchOptions: Sendable {
    /// The results, JSON Lines.
    public var output: String
    /// Jobs that failed before are done again.
    public var retriesFailed = false
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

    /// Where the journal of results lies.
    public static func journalPath(of results: String) -> String {
        ResultStore.journalPath(of: results)
    }

    public init(output: String) { self.output = output }
}
