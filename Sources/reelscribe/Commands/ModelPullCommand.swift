import ArgumentParser
import Hub
import Synchronization
import VideoUnderstanding

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

struct ModelPullCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch a checkpoint from a Hugging Face-compatible hub.",
        discussion: """
            Fetches configuration, tokenizer and safetensors files into the cache that all tools \
            of this kind share, and prints the folder. What is there already is not fetched \
            again; a transfer that broke off goes on where it stopped. Sizes are checked, and \
            the SHA-256 of large files. Nothing else in this tool uses the network unasked.

            ENVIRONMENT
              HF_ENDPOINT       another hub than https://huggingface.co
              HF_TOKEN          for private and gated models; sent to the hub alone
              HF_HUB_CACHE      the cache; else hub in HF_HOME; else ~/.cache/huggingface/hub

            EXAMPLES
              reelscribe model pull Qwen/Qwen2-VL-2B-Instruct
              reelscribe summarize clip.mp4 --model Qwen/Qwen2-VL-2B-Instruct
              reelscribe model pull someone/Qwen2-VL-GGUF --file q8_0.gguf --file mmproj-f16.gguf
            """)

    @Argument(help: ArgumentHelp("Owner and name.", valueName: "owner/name"))
    var model: String

    @Option(
        help: ArgumentHelp(
            "A branch, a tag or a commit; --model NAME@REVISION finds it.", valueName: "revision"))
    var revision = "main"

    @Option(
        name: .customLong("file"),
        help: ArgumentHelp(
            "Fetch this file instead of the checkpoint's own choice; may be repeated.",
            valueName: "name"))
    var files: [String] = []

    @OptionGroup(title: "Reports") var reports: ReportOptions

    func run() throws {
        let progress = reports.start()
        do throws(Failure) {
            let work: () throws(Failure) -> String
            do throws(HubError) {
                work = try pull(progress)
            } catch {
                throw error.failure
            }
            let folder = try work()
            progress.finish()
            var output = try FileOutput(path: nil, atomically: false)
            try output.write(folder + "\n")
        } catch {
            progress.finish()
            throw Signals.interruption.naming(error)
        }
    }
}

extension ModelPullCommand {
    private func pull(_ progress: ProgressMeter) throws(HubError) -> () throws(Failure) -> String {
        let names = ["HF_ENDPOINT", "HF_TOKEN"]
        var environment: [String: String] = [:]
        for name in names {
            if let value = getenv(name), value.pointee != 0 {
                environment[name] = String(cString: value)
            }
        }
        guard let cache = ModelLocator(.process).hubFolder else { throw .noCache }
        let settings = try HubSettings(
            endpoint: environment["HF_ENDPOINT"] ?? HubSettings.standardEndpoint,
            token: environment["HF_TOKEN"], cache: cache)
        let pull = try ModelPull(model, revision: revision, files: files, settings: settings)
        return { () throws(Failure) in
            let task = Mutex("")
            return try pull.run { () throws(Failure) in
                try Signals.interruption.check(stage: .model)
            } onEvent: { event in
                switch event {
                case .listing: progress.begin("asking the hub", unit: "")
                case .checking(let file): progress.begin("checking \(file)", unit: "")
                case .fetching(let file, let done, let total):
                    let isNew = task.withLock { name in
                        defer { name = file }
                        return name != file
                    }
                    if isNew { progress.begin("fetching \(file)", total: total >> 20, unit: "MiB") }
                    progress.advance(to: done >> 20)
                }
            }
        }
    }
}
