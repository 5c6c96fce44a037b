import VideoUnderstanding

/// What a file was given as.
public enum FileUse: Sendable, Equatable {
    case manifest
    /// The manifest of a merge, which gives the order.
    case order
    case jobFile

    fileprivate var words: String {
        self == .jobFile ? "a job file" : "a manifest, a job a line"
    }
}

extension FileKind {
    fileprivate var words: String {
        switch self {
        case .folder: "a folder"
        case .binary: "a video, or other data that is no text,"
        case .compressed: "a compressed file"
        case .utf16: "text in UTF-16"
        case .names, .quotedNames: "a list of names"
        case .text: "text without a line of JSON"
        case .list: "one JSON list"
        case .spreadObject: "one JSON object over several lines"
        case .documents(let schema): "results (\(schema))"
        case .journal: "the journal of a run"
        case .manifest: "a manifest, a job a line,"
        case .jobFile: "a job file"
        }
    }

    /// The failure of a command that was given such a file.
    func failure(of path: String, givenAs use: FileUse) -> Failure {
        let name = path == "-" ? "standard input" : path
        return Failure(
            .optionsInvalid, stage: .options,
            message: "\(name) looks like \(words) and not like \(use.words)",
            hint: hint(path, use))
    }

    /// What to do instead, as a command where there is one.
    private func hint(_ path: String, _ use: FileUse) -> String {
        let isPipe = path == "-"
        let word = ShellWord.quoted(path)
        func made(by command: String) -> String {
            if isPipe { return "put this before it: \(command)" }
            let made = "make a manifest of it: \(command) \(word) > jobs.jsonl"
            return use == .jobFile
                ? made + ", then reelscribe run --input jobs.jsonl --output RESULTS.jsonl" : made
        }
        switch self {
        case .folder:
            return "for the videos in it: reelscribe run summarise-folder --set folder=\(word) "
                + "--set output=RESULTS.jsonl"
        case .binary:
            return isPipe
                ? "for one video: reelscribe summarize -"
                : "for one video: reelscribe summarize \(word)"
        case .compressed(let reader):
            if isPipe { return "put this before it: \(reader)" }
            return use == .manifest
                ? "\(reader) \(word) | reelscribe run --input - --output RESULTS.jsonl"
                : "write out what is in it first: \(reader) \(word)"
        case .utf16:
            let reader = "iconv -f UTF-16 -t UTF-8"
            return isPipe
                ? "put this before it: \(reader)" : "make it UTF-8 first: \(reader) \(word)"
        case .names: return made(by: #"jq -Rc '{video: ., task: "summarize"}'"#)
        case .quotedNames: return made(by: #"jq -c '{video: ., task: "summarize"}'"#)
        case .list: return made(by: "jq -c '.[]'")
        case .spreadObject: return made(by: "jq -c .")
        case .text: return JobFault.shape
        case .documents, .journal:
            return "give the file that the results were made from"
                + (isPipe ? "" : "; reelscribe validate \(word) checks documents")
        case .manifest: return "reelscribe run --input \(word) --output RESULTS.jsonl"
        case .jobFile:
            return use == .order
                ? "leave --manifest out: jobs then stand in the order of the results"
                : "reelscribe run \(word)"
        }
    }
}

/// Words as one types them into a shell.
enum ShellWord {
    static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || "/._-+,:@%=".utf8.contains(byte)
            }
        return isPlain ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
    }
}
