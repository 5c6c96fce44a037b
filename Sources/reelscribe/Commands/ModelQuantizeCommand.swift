import ArgumentParser
import VideoUnderstanding

struct ModelQuantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Store a smaller copy of a checkpoint, which loads without conversion.",
        discussion: """
            Does once what --weights int8 and int4 do at every start, with the same result to the \
            bit: matrices become groups of 8 or 4 bits. The folder appears as a whole or not at \
            all. Writes one document (reelscribe/model-info@1) about the new checkpoint. \
            Documentation/Models.md describes its layout.

            EXAMPLES
              reelscribe model quantize Qwen/Qwen2-VL-2B-Instruct --weights int4 --output qwen2-vl-2b-int4
              reelscribe model quantize ~/models/Qwen2-VL-7B-Instruct --weights int4 \
            --vision-weights int8 --output ~/models/qwen2-vl-7b-int4
            """)

    @Argument(
        help: ArgumentHelp(
            "A checkpoint folder, or a name like Qwen/Qwen2-VL-2B-Instruct.",
            valueName: "path|name"),
        completion: .directory)
    var model: String

    @Option(help: ArgumentHelp("int8 or int4.", valueName: "type"))
    var weights: WeightFormat

    @Option(
        help: ArgumentHelp(
            "The same for the vision tower alone. (default: as --weights)", valueName: "type"))
    var visionWeights: WeightFormat?

    @Option(
        name: [.short, .long], help: ArgumentHelp("The folder to write.", valueName: "folder"),
        completion: .directory)
    var output: String

    @Flag(help: "Replace a checkpoint that is there already.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "Compute threads. The result does not depend on it. (default: performance cores)",
            valueName: "n"))
    var threads: Int?

    @OptionGroup(title: "Reports") var reports: ReportOptions

    func run() throws {
        let progress = reports.start()
        var settings = Settings()
        settings.threads = threads
        do throws(Failure) {
            let work = ModelQuantizing(
                source: try ModelLocator(.process).locate(model), output: output,
                weights: WeightFormats(language: weights, vision: visionWeights ?? weights),
                threads: settings.effectiveThreads, isForced: force)
            var begun = false
            let document = try work.run { done, total in
                try Signals.interruption.check(stage: .model)
                if !begun { progress.begin("writing", total: total >> 20, unit: "MiB") }
                begun = true
                progress.advance(to: done >> 20)
            }
            progress.finish()
            var documents = try DocumentOutput(
                path: nil, layout: .automatic, isSingle: true,
                isTerminal: StandardStreams.outputIsTerminal)
            try documents.write(document)
            try documents.finish()
        } catch {
            progress.finish()
            throw Signals.interruption.naming(error)
        }
    }
}
