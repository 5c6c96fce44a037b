import ArgumentParser
import VideoUnderstanding

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Write the tensors of every stage, to compare with another implementation.",
        discussion: """
            Runs greedy in 32-bit arithmetic whatever the type of the weights, and writes one \
            safetensors file: frame_indices, frame_timestamps, pixel_values, grid_thw, input_ids, \
            position_ids, vision_embeds, logits and generated_ids. Several VIDEO arguments are \
            several visual inputs, in order, before the text of the prompt.

            A folder of PNG files as VIDEO takes the decoder's colour conversion out of the \
            comparison. --detail is high here unless it is given.

            EXAMPLES
              reelscribe trace frames/ --model tiny --prompt 'What is this?' --output t.safetensors
              reelscribe trace a.png b.mp4 --prompt 'Compare.' --sampling qwen --mrope hf5 \\
                --all-logits --with-frames --output t.safetensors
            """)

    @Argument(help: videoHelp, completion: .file())
    var videos: [String]

    @Option(help: "The text behind the visual inputs, passed as it is.")
    var prompt: String

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The file to write.", valueName: "file.safetensors"),
        completion: .file(extensions: ["safetensors"]))
    var output: String

    @Flag(help: "Write the sampled frames too, before resizing.")
    var withFrames = false

    @Option(
        help: ArgumentHelp(
            """
            Tokens that are read behind the prompt as if the model had written them, such as \
            generated_ids of another trace. They are part of input_ids and position_ids, and with \
            --all-logits each has its logits.
            """, valueName: "id,id,…"),
        transform: tokenIDs)
    var continuation: [Int]?

    @Flag(help: "Write the logits of every position of the prompt, not of the last one only.")
    var allLogits = false

    @OptionGroup var watch: WatchOptions

    func settings() throws -> Settings {
        try Settings.from { settings in
            settings.pixels.standardDetail = .high
            watch.apply(to: &settings)
        }
    }

    func validate() throws {
        let settings = try settings()
        if settings.generation.temperature != 0 {
            throw ValidationError("A trace is greedy; leave --temperature out.")
        }
        if settings.subtitles.choice != .none {
            throw ValidationError("A trace has no subtitles in its prompt; leave --subtitles out.")
        }
    }

    func run() throws {
        Signals.letWorkEndItself()
        try OutputGuard.check(output: output, against: videos)
        let progress = watch.reports.start()
        let work = HeavyWork(
            WorkOrder(model: watch.model.model, settings: try settings(), progress: progress))
        defer { progress.finish() }
        try work.trace(
            TraceOrder(
                videos: videos, prompt: prompt, output: output, withFrames: withFrames,
                allLogits: allLogits, continuation: continuation ?? []))
    }
}

/// Ids with commas between them.
private func tokenIDs(_ text: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
        guard let id = Int($0), id >= 0 else {
            throw ValidationError("'\($0)' is no token id; they are numbers with commas between.")
        }
        return id
    }
}
