import ArgumentParser
import VideoUnderstanding

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Look at checkpoints, make them smaller, fetch them.",
        subcommands: [ModelInfo.self, ModelQuantize.self, ModelPullCommand.self])
}

struct ModelInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Say what a checkpoint is, after checking it.",
        discussion: """
            Reads the configuration and the headers of the weights, checks every size, type and \
            shape against each other, and writes one document (reelscribe/model-info@1). A wrong \
            checkpoint gives all of its faults in one message and exit code 78.

            EXAMPLES
              reelscribe model info                              the default model
              reelscribe model info ~/models/Qwen2-VL-2B-Instruct
              reelscribe model info Qwen/Qwen2-VL-2B-Instruct    from the Hugging Face cache
            """)

    @Argument(
        help: ArgumentHelp(
            "A checkpoint folder, a GGUF file, or a name like Qwen/Qwen2-VL-2B-Instruct. (default: the model that the other commands would use)",
            valueName: "path|name"),
        completion: .directory)
    var model: String?

    @Option(
        help: ArgumentHelp(
            "The GGUF file of the vision tower, for a model in GGUF. (default: the one beside it with mmproj in its name)",
            valueName: "file"),
        completion: .file(extensions: ["gguf"]))
    var mmproj: String?

    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    func run() throws {
        let progress = reports.start()
        do throws(Failure) {
            var documents = try output.documents(isSingle: true)
            let located = try ModelLocator(.process).locate(model)
            try documents.write(try located.describe(projector: mmproj))
            try documents.finish()
        } catch {
            progress.finish()
            if error.code == .outputUnwritable, error.stage == .output { throw error }
            try output.writeError(error, after: progress)
        }
    }
}
