/// How a run of the tool ended, as the shell sees it. The numbers are stable.
///
/// Source: contract section 2; 64 and above follow `sysexits.h`.
public enum RunStatus: Int32, Sendable, CaseIterable {
    case success = 0
    /// Several jobs, some of which failed; each has its error document.
    case someJobsFailed = 3
    /// Several jobs, all of which failed; each has its error document.
    case allJobsFailed = 4
    case usage = 64
    /// The input is not a readable video, or damaged beyond salvage.
    case badInput = 65
    case inputMissing = 66
    /// A bug in reelscribe.
    case internalError = 70
    case outputNotCreated = 73
    case outputNotWritten = 74
    /// May work later: network, lock.
    case temporary = 75
    /// Model or configuration wrong, missing or too large.
    case configuration = 78
    case interrupted = 130
    case terminated = 143

    /// The status of several jobs of which `failed` have failed.
    public init(failed: Int, of jobs: Int) {
        self = failed == 0 ? .success : failed < jobs ? .someJobsFailed : .allJobsFailed
    }
}
