import Glibc
import Video
import VideoUnderstanding

/// What an input looks like on the disk, without a look at its bytes.
///
/// Equal stamps are taken for equal bytes, as by build tools; where they differ, the SHA-256 of the
/// bytes decides. An address has no bytes to look at: it is taken to show the same video always.
enum InputStamp {
    static func of(_ job: Job) -> String {
        if InputFetcher.isFetched(job.video) { return "address" }
        guard let input = try? VideoInput.resolving(job.video, settings: job.settings) else {
            return "none"
        }
        switch input {
        case .url: return "address"
        case .standardInput: return "none"
        case .file(let path), .image(let path), .fetched(let path, _, _): return facts(path)
        case .imageFolder(let paths, _, _):
            return Fingerprint.of(paths.map { "\($0)\u{0}\(facts($0))\n" }.joined())
        }
    }

    /// SHA-256 of the bytes; nil where there are none to be read, and once it is wanted no more.
    static func sha256(of job: Job, while isWanted: () -> Bool) -> String? {
        guard let input = try? VideoInput.resolving(job.video, settings: job.settings) else {
            return nil
        }
        return (try? Video.sha256(of: input, while: isWanted)) ?? nil
    }

    private static func facts(_ path: String) -> String {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return "none" }
        return "\(facts.st_size) \(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec)"
    }
}
