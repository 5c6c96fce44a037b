import VideoUnderstanding

/// What a run would do, found without doing it: nothing is written, and no video is opened.
public struct BatchSurvey {
    /// Of jobs that have a result already; none is counted as done by this run.
    public let tally: RunTally
    /// Jobs that the run would work on or answer.
    public let work: Int
    /// Lines that are no jobs, and why.
    public let invalid: [InvalidJob]

    /// - Throws: what would keep the run from beginning.
    public init(
        _ manifest: Manifest, options: BatchOptions, base: Settings, analyzer: Analyzer,
        interruption: Interruption? = nil
    ) throws(Failure) {
        let stored: StoredResults
        do throws(BatchError) {
            stored =
                options.startsOver
                ? StoredResults(
                    path: options.output, groups: [], current: [:], deaths: [:],
                    finishedByThisRun: [])
                : try StoredResults.looking(at: options.output)
        } catch {
            throw error.failure
        }
        let plan = try BatchPlan(
            JobReader(
                manifest: manifest, options: options, base: base, analyzer: analyzer,
                interruption: interruption), stored: stored, tally: RunTally())
        tally = plan.tally
        work = plan.todo.count
        invalid = plan.invalid
    }
}
