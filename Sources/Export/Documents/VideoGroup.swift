import VideoUnderstanding

/// The results about one video.
struct VideoGroup: Sendable {
    private(set) var documents: [ExportedDocument]
    /// Nil where all that is known of a video is that its job failed.
    private(set) var video: ExportedDocument.Video?
    private var uri: String

    /// Documents by video, in the order in which the videos first come. Videos are one where their
    /// names and their bytes are.
    static func groups(of documents: [ExportedDocument]) -> [VideoGroup] {
        var groups: [VideoGroup] = []
        var places: [[UInt8]: Int] = [:]
        for document in documents {
            let uri: String =
                if case .error(let failed) = document.content {
                    failed.uri ?? ""
                } else {
                    document.video?.uri ?? ""
                }
            let key = Array(uri.utf8) + [0] + Array((document.video?.sha256 ?? "").utf8)
            if let place = places[key] {
                groups[place].documents.append(document)
            } else {
                places[key] = groups.count
                groups.append(
                    VideoGroup(documents: [document], video: document.video, uri: uri))
            }
        }
        return groups
    }

    /// The name of the video without its folder.
    var title: String {
        let line = Words.line(uri)
        let name = line.split(separator: "/").last.map(String.init) ?? line
        return name.isEmpty ? "Video" : name
    }

    /// Every warning of its documents once, in order.
    var warnings: [WarningRecord] {
        var seen: Set<WarningRecord> = []
        return documents.flatMap { $0.origin?.warnings ?? [] }.filter { seen.insert($0).inserted }
    }

    var summaries: [ExportedDocument.Summary] {
        documents.compactMap { if case .summary(let summary) = $0.content { summary } else { nil } }
    }

    var answers: [ExportedDocument.Answer] {
        documents.compactMap { if case .answer(let answer) = $0.content { answer } else { nil } }
    }
}
