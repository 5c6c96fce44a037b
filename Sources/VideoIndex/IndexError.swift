/// Why an index cannot be used or made.
public enum IndexError: Error, Sendable, Equatable {
    case notFound(path: String)
    case cannotOpen(path: String, reason: String)
    /// Not a file that this program has written.
    case notAnIndex(path: String)
    /// A later version of this program has written it.
    case newer(path: String, version: Int)
    /// What is in it is not what was written.
    case damaged(path: String, what: String)
    /// Indexing was not finished.
    case unfinished(path: String)
    /// Another process writes it.
    case busy(path: String)
    case cannotCreate(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
}

extension IndexError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let path): "\(path): no such file"
        case .cannotOpen(let path, let reason): "cannot open \(path): \(reason)"
        case .notAnIndex(let path): "\(path) is not an index of a video"
        case .newer(let path, let version):
            "\(path) has format \(version), which a later reelscribe wrote; this one reads "
                + "\(IndexFormat.version)"
        case .damaged(let path, let what): "\(path) is damaged: \(what)"
        case .unfinished(let path): "\(path): the indexing was not finished"
        case .busy(let path): "another process is writing \(path)"
        case .cannotCreate(let path, let reason): "cannot create \(path): \(reason)"
        case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
        }
    }

    public var hint: String? {
        switch self {
        case .notFound: "check the path"
        case .cannotOpen: nil
        case .notAnIndex: "reelscribe index VIDEO --output FILE.rsx makes one"
        case .newer: "make it again with this version: reelscribe index VIDEO --output FILE.rsx"
        case .damaged: "remove it and make it again: reelscribe index VIDEO --output FILE.rsx"
        case .unfinished: "run the same reelscribe index command again: it goes on where it stopped"
        case .busy: "wait for it, or give another --output"
        case .cannotCreate: "give another place with --output"
        case .cannotWrite: "make room and run the same command again: it goes on where it stopped"
        }
    }

    /// Dotted and stable.
    public var code: String {
        switch self {
        case .notFound, .cannotOpen: "input.not_found"
        case .notAnIndex, .newer: "index.unsupported"
        case .damaged: "index.damaged"
        case .unfinished: "index.unfinished"
        case .busy, .cannotCreate, .cannotWrite: "output.unwritable"
        }
    }

    public var exitCode: Int32 {
        switch self {
        case .notFound, .cannotOpen: 66
        case .notAnIndex, .newer, .damaged, .unfinished: 65
        case .busy: 75
        case .cannotCreate: 73
        case .cannotWrite: 74
        }
    }
}
