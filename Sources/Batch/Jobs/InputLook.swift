import Video

/// A look at whether a job's input is there, without a look at its bytes.
enum InputLook {
    /// What would keep the input from being opened; nil where nothing is seen to do so. Addresses
    /// are not asked.
    static func problem(_ video: String) -> String? {
        guard !InputFetcher.isFetched(video) else { return nil }
        do throws(VideoError) {
            _ = try VideoInput.locate(video)
            return nil
        } catch {
            return error.description + (error.hint.map { " (hint: \($0))" } ?? "")
        }
    }
}

/// Warnings about inputs, as many as a person reads.
struct InputWarnings {
    private(set) var warnings: [(line: Int, message: String)] = []
    private var seen = Set<String>()
    private var more: (line: Int, count: Int) = (0, 0)

    private static let most = 20

    mutating func look(at video: String, line: Int) {
        guard seen.insert(video).inserted, let problem = InputLook.problem(video) else { return }
        if warnings.count < Self.most {
            warnings.append((line, problem))
        } else {
            more = (more.count == 0 ? line : more.line, more.count + 1)
        }
    }

    /// All of them, the last of which counts those that were left out.
    var all: [(line: Int, message: String)] {
        guard more.count > 0 else { return warnings }
        return warnings + [(more.line, "from here on \(more.count) more inputs are not there")]
    }
}
