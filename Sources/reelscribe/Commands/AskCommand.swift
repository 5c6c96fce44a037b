import ArgumentParser
import VideoUnderstanding

struct AskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask",
        abstract: "Answer questions about a video.",
        discussion: """
            Each question gives one document (reelscribe/answer@1). The video is decoded, encoded \
            and read by the model once for all questions.

            EXAMPLES
              reelscribe ask talk.mp4 'What is on the table?'
              reelscribe ask talk.mp4 'Who enters first?' 'What do they carry?' --text
              reelscribe ask talk.mp4 --questions questions.txt --output answers.jsonl
              reelscribe ask talk.mp4 'When does somebody speak?' --shape intervals
              reelscribe ask talk.mp4 'What kind of scene is it?' --choices indoors,outdoors
              reelscribe ask talk.mp4 'Describe the room.' --json-schema room.json
              reelscribe ask talk.rsx 'Who enters first?'       an index of reelscribe index
              reelscribe ask talk.mp4 'And then?' --cache-dir ~/.cache/reelscribe

            With --text the answer is written to a terminal word by word, as it arises.
            """)

    @Argument(help: videoOrIndexHelp, completion: .file())
    var video: String

    @Argument(help: ArgumentHelp("What you want to know.", valueName: "question"))
    var questions: [String] = []

    @Option(
        name: .customLong("questions"),
        help: ArgumentHelp(
            "A question a line, as text or as JSON: {\"question\", \"id\"?, \"meta\"?}; - is standard input.",
            valueName: "file"),
        completion: .file())
    var questionFile: String?

    @Flag(help: "Write plain text for people in place of JSON.")
    var text = false

    @OptionGroup var result: DocumentOptions
    @OptionGroup(title: "Answers") var shape: ShapeOptions
    @OptionGroup(title: "Looking") var look: LookOptions
    @OptionGroup(title: "Windows, where they are looked at") var windows: WindowOptions
    @OptionGroup var watch: WatchOptions

    func apply(to settings: inout Settings) {
        watch.apply(to: &settings)
        windows.apply(to: &settings)
        shape.apply(to: &settings)
        look.apply(to: &settings)
    }

    func settings() throws -> Settings { try Settings.from(apply) }

    func validate() throws {
        _ = try settings()
        if questions.isEmpty, questionFile == nil {
            throw ValidationError("Ask at least one question, or give --questions FILE.")
        }
        for question in questions {
            if question.allSatisfy(\.isWhitespace) {
                throw ValidationError("A question is empty.")
            }
            if ExistingFiles.has(question) {
                throw ValidationError(
                    "'\(question)' is a file, but stands among the questions: the one video comes "
                        + "first, then the questions. For several videos: reelscribe run --help.")
            }
        }
        if video == "-", questionFile == "-" {
            throw ValidationError("The video and the questions cannot both be standard input.")
        }
    }

    func run() throws {
        let progress = watch.reports.start()
        var list = QuestionList()
        for question in questions { list.add(question) }
        if let questionFile { try list.add(file: questionFile) }
        guard !list.questions.isEmpty else {
            throw Failure(
                .jobInvalid, stage: .options,
                message: "there is no question in \(questionFile ?? "the arguments")")
        }
        let asked = list.questions
        let cache = try look.cache()
        let work = HeavyWork(
            WorkOrder(model: watch.model.model, settings: try settings(), progress: progress))
        let jobs = VideoJobs(
            videos: [video], output: result.output, writesErrorDocuments: !text, progress: progress)
        let streams = text && result.output.output == nil && StandardStreams.outputIsTerminal
        try jobs.run(isSingle: asked.count == 1) { video, output throws(Failure) in
            var index: (video: IndexedVideo, settings: Settings)?
            if let opened = try IndexedVideo.opening(video) {
                index = (opened, try opened.settings(apply))
            }
            guard streams else {
                try work.answer(asked, about: video, index: index, cache: cache) { answer in
                    var document = answer
                    if result.timing.noTiming { document.provenance.timing = nil }
                    progress.finish()
                    if text {
                        if document.job.questionIndex == 0 {
                            progress.tell(document.provenance.warnings)
                        }
                        try output.write(text: document.text)
                    } else {
                        if document.job.questionIndex == 0 {
                            progress.tell(document.provenance.warnings.aboutModel)
                        }
                        try output.write(document)
                    }
                }
                return
            }
            // One question at a time, so that the reader knows which one is being answered.
            var terminal = try FileOutput(path: nil, atomically: false)
            try work.answer(asked, about: video, index: index, cache: cache) { piece in
                progress.finish()
                try terminal.write(piece)
            } onAnswer: { document in
                try terminal.write(document.remarks + "\n")
                if document.job.questionIndex == 0 {
                    progress.tell(document.provenance.warnings)
                }
            }
        }
    }
}
