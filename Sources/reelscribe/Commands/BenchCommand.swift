import ArgumentParser
import VideoUnderstanding

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the speeds of this machine.",
        discussion: """
            Measures vision patches, prefill and decode tokens and sampled frames a second, the \
            peak memory, and in the same run what the machine can do at best (matrix products, \
            memory bandwidth, multiply-adds in registers). Writes one document (reelscribe/bench@1) with the processor, the \
            instruction set and the threads. Without --model the weights are random and no file is \
            needed.

            EXAMPLES
              reelscribe bench
              reelscribe bench --size 7b --layers 4
              reelscribe bench --parts decode --weights int4 --kv int8
              reelscribe bench --parts vision prefill --detail
              reelscribe bench --parts prefill --weights bf16 --activations fast
              reelscribe bench --parts products --weights bf16
              reelscribe bench --model Qwen/Qwen2-VL-2B-Instruct --threads 8
            """)

    @Option(help: ArgumentHelp("Random weights of a published size. (default: 2b)"))
    var size: ModelSize?

    @Option(
        help: ArgumentHelp("Keep only this many layers of the language model.", valueName: "n"))
    var layers: Int?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Measure these alone, beside the machine: sampling, products, vision, prefill, decode.",
            valueName: "part"))
    var parts: [Benchmark.Part] = []

    @Flag(
        help: ArgumentHelp(
            "Tell where the time of vision, prefill and decode goes, kind by kind of layer."))
    var detail = false

    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    func settings() throws -> Settings { try Settings.from { model.apply(to: &$0) } }

    func validate() throws {
        _ = try settings()
        if let layers, layers < 1 { throw ValidationError("--layers must be at least 1.") }
        if model.model != nil, size != nil || layers != nil {
            throw ValidationError("--size and --layers are for random weights, without --model.")
        }
    }

    func run() throws {
        Signals.letWorkEndItself()
        let progress = reports.start()
        let work = HeavyWork(
            WorkOrder(model: model.model, settings: try settings(), progress: progress))
        do throws(Failure) {
            var documents = try output.documents(isSingle: true)
            let document = try work.bench(
                BenchOrder(size: size ?? .b2, layers: layers, parts: Set(parts), detail: detail))
            progress.finish()
            try documents.write(document)
            try documents.finish()
        } catch {
            progress.finish()
            if error.code == .outputUnwritable, error.stage == .output { throw error }
            try output.writeError(error, after: progress)
        }
    }
}
