import Video
import VideoUnderstanding

/// Writes results in forms for other programs and for people.
public struct Exporter: Sendable {
    public var format: ExportFormat
    public var cues: CueLayout
    /// Where a page finds its video.
    public var page: PageSource

    public init(
        format: ExportFormat, cues: CueLayout = .split, page: PageSource = PageSource()
    ) {
        self.format = format
        self.cues = cues
        self.page = page
    }

    /// The text of the file.
    ///
    /// - Parameters:
    ///   - notice: gets what a person must know that does not stop the work: documents that are
    ///     left out, texts without time, a video that is not there.
    ///   - proceed: called where the work may be ended, by throwing.
    /// - Throws: `Failure`, with one line.
    public func text(
        of documents: [ExportedDocument], notice: (String) -> Void,
        proceed: () throws(Failure) -> Void = {}
    ) throws(Failure) -> String {
        // Texts of documents can neither break the line nor steer the terminal.
        func tell(_ text: String) { notice(Words.line(text)) }
        do throws(ExportError) {
            switch format {
            case .csv:
                tellOfFailed(in: documents, "is listed", tell)
                return CSV(documents).text
            case .markdown:
                tellOfFailed(in: documents, "is listed", tell)
                return Markdown(documents).text
            case .srt: return SubRip.text(try cueList(documents, tell))
            case .vtt: return WebVTT.text(try cueList(documents, tell))
            case .chapters:
                let document = try timed(documents, tell)
                return try Chapters(
                    document.chapterTexts, duration: document.video?.duration ?? 0
                ).text
            case .html: break
            }
        } catch {
            throw error.failure
        }
        return try pageText(documents, tell, proceed)
    }

    private func pageText(
        _ documents: [ExportedDocument], _ notice: (String) -> Void,
        _ proceed: () throws(Failure) -> Void
    ) throws(Failure) -> String {
        let group: VideoGroup
        do throws(ExportError) {
            group = try onlyVideo(documents, notice)
        } catch {
            throw error.failure
        }
        let media = try page.media(of: group, notice: notice, proceed: proceed)
        do throws(VideoError) {
            return try HTMLPage(group: group, media: media).html()
        } catch {
            throw Failure(error, stage: .output)
        }
    }

    private func cueList(
        _ documents: [ExportedDocument], _ notice: (String) -> Void
    ) throws(ExportError) -> [Cue] {
        let document = try timed(documents, notice)
        let list = CueList(
            document.timedTexts, duration: document.video?.duration ?? 0, layout: cues)
        guard !list.cues.isEmpty else { throw .noDuration(format: format) }
        if list.dropped > 0 {
            notice("\(list.dropped) texts have no time of their own and are left out")
        }
        return list.cues
    }

    // MARK: - Choosing

    /// The only document that speaks of times; a summary goes before answers.
    private func timed(
        _ documents: [ExportedDocument], _ notice: (String) -> Void
    ) throws(ExportError) -> ExportedDocument {
        var candidates = documents.filter { !$0.timedTexts.isEmpty }
        let summaries = candidates.filter { $0.kind == "summary" }
        if summaries.count == 1 { candidates = summaries }
        guard candidates.count <= 1 else { throw several(candidates) }
        guard let chosen = candidates.first else {
            guard let other = documents.first(where: { $0.kind != "error" }) else {
                throw failed(documents)
            }
            throw other.kind == "frames"
                ? .unsupported(format: format, kind: other.kind)
                : .noTimes(format: format, kind: other.kind)
        }
        tellOfFailed(in: documents, "is left out", notice)
        let rest = documents.count { $0.kind != "error" } - 1
        if rest > 0 { notice("\(rest) other documents are left out") }
        return chosen
    }

    /// The only video of which something is told.
    private func onlyVideo(
        _ documents: [ExportedDocument], _ notice: (String) -> Void
    ) throws(ExportError) -> VideoGroup {
        let groups = VideoGroup.groups(
            of: documents.filter { $0.kind == "summary" || $0.kind == "answer" })
        guard groups.count <= 1 else {
            throw several(groups.compactMap(\.documents.first))
        }
        guard let group = groups.first else {
            guard documents.contains(where: { $0.kind == "frames" }) else {
                throw failed(documents)
            }
            throw .unsupported(format: format, kind: "frames")
        }
        let summaries = group.documents.filter { $0.kind == "summary" }
        guard summaries.count <= 1 else { throw several(summaries) }
        tellOfFailed(in: documents, "is left out", notice)
        return group
    }

    private func several(_ documents: [ExportedDocument]) -> ExportError {
        let names = documents.prefix(5).map { document in
            "\(document.place)" + (document.id.map { " (--id \($0))" } ?? "")
                + " " + (document.video?.uri ?? "")
        }
        return .severalDocuments(
            format: format, count: documents.count,
            choices: names + (documents.count > 5 ? ["…"] : []))
    }

    private func failed(_ documents: [ExportedDocument]) -> ExportError {
        for document in documents {
            if case .error(let failed) = document.content {
                return .failedJob(
                    place: document.place, code: failed.code, message: failed.message)
            }
        }
        return .noDocument(file: "the selection")
    }

    private func tellOfFailed(
        in documents: [ExportedDocument], _ fate: String, _ notice: (String) -> Void
    ) {
        for document in documents {
            guard case .error(let failed) = document.content else { continue }
            notice(
                "document \(document.place) says that its job failed, and \(fate): "
                    + "\(failed.code): \(failed.message)")
        }
    }
}
