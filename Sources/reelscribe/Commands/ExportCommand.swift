import ArgumentParser
import Export
import Isolation
import VideoUnderstanding

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write results as subtitles, chapters, a table or a page.",
        discussion: """
            RESULT is a document of summarize, ask or frames, or JSON Lines of them, as run writes. \
            It is validated first. Times are those of the document.

              srt, vtt   subtitles: the segments of a summary; of an answer the intervals that it \
            consists of (--shape intervals, events), or else its evidence
              chapters   a list to paste under a video, by YouTube's rules: the first at 0:00, at \
            least three, each of at least 10 seconds; shorter segments are joined
              markdown   all results, by video
              csv        all results, a row for each segment, answer, interval, frame and failure
              html       one page about one video that needs no network: timeline, key frames, and \
            times to click, which play the video where it lies on this machine

            A document that says that its job failed has a row or a section in csv and markdown; \
            elsewhere it is left out. Either way standard error tells of it.

            EXAMPLES
              reelscribe summarize talk.mp4 --output talk.json
              reelscribe export talk.json --output talk.html
              reelscribe export talk.json --format chapters
              reelscribe export results.jsonl --format srt --id lecture-7 --output lecture-7.srt
              reelscribe ask talk.mp4 'When is there applause?' --shape intervals | reelscribe export - --format vtt
            """)

    @Argument(
        help: ArgumentHelp("The documents; - is standard input.", valueName: "result"),
        completion: .file(extensions: ["json", "jsonl"]))
    var result: String

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The form. (default: by the ending of --output: .srt, .vtt, .md, .csv, .html)",
            valueName: ExportFormat.allCases.map(\.rawValue).joined(separator: "|")))
    var format: ExportFormat?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "Write there; the file appears as a whole. - is standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    @Option(help: ArgumentHelp("Take the documents of this job.", valueName: "id"))
    var id: String?

    @Option(
        help: ArgumentHelp("Take this document, counted from 0.", valueName: "n"))
    var index: Int?

    @Option(
        help: ArgumentHelp(
            "split: a long text in several cues, two lines at a time; whole: a cue for each segment.",
            valueName: "layout"))
    var cues: CueLayout = .split

    @Option(
        help: ArgumentHelp(
            "Where the video of an html page is. (default: where the document says)",
            valueName: "file"),
        completion: .file())
    var video: String?

    @Flag(help: "Leave the pictures out of an html page; the video is not decoded.")
    var noThumbnails = false

    private var effectiveFormat: ExportFormat? {
        format ?? output.flatMap(ExportFormat.init(fileName:))
    }

    func validate() throws {
        guard effectiveFormat != nil else {
            throw ValidationError(
                "Say with --format what to write: "
                    + ExportFormat.allCases.map(\.rawValue).joined(separator: ", ") + ".")
        }
        if let index, index < 0 { throw ValidationError("--index counts from 0.") }
    }

    func run() throws {
        guard let format = effectiveFormat else { return }
        try OutputGuard.check(output: output, against: [result] + [video].compactMap(\.self))
        let file = try ResultFile(path: result)
        let documents = try chosen(in: file)
        // A page must not take the place of the video that it is about.
        try OutputGuard.check(
            output: output, against: documents.compactMap { $0.video?.uri })
        Signals.letWorkEndItself()
        let exporter = Exporter(format: format, cues: cues, page: source)
        let text = try exporter.text(of: documents) {
            StandardStreams.complain("reelscribe: warning: \($0)")
        } proceed: { () throws(Failure) in
            try Signals.interruption.check(stage: .decode)
        }
        var written = try FileOutput(path: output, atomically: true)
        try written.write(text)
        try written.finish()
    }

    private func chosen(in file: ResultFile) throws(Failure) -> [ExportedDocument] {
        do throws(ExportError) {
            return try file.selected(id: id, index: index)
        } catch {
            throw error.failure
        }
    }

    private var source: PageSource {
        PageSource(
            video: video, documentFolder: result == "-" ? nil : Self.folder(of: result),
            pageFolder: output.flatMap { $0 == "-" ? nil : Self.folder(of: $0) } ?? ".",
            hasThumbnails: !noThumbnails,
            workers: DecodeWorkers(
                executable: "/proc/self/exe",
                arguments: [DecodeWorkerCommand.configuration.commandName ?? ""],
                budget: DecodeBudget(memory: 2 << 30, seconds: 120, stallSeconds: 30)))
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension ExportFormat: ExpressibleByArgument {}
extension CueLayout: ExpressibleByArgument {}
