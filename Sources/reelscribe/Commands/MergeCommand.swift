import ArgumentParser
import Batch
import VideoUnderstanding

struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Make one file of the results of several shards.",
        discussion: """
            A job that stands in more than one file, or more than once, keeps one result: documents \
            go before an error document, and of equals the one that is named last. With --manifest \
            the jobs stand in its order, and the exit code is 65 where some of them have no result; \
            the file is written all the same. Journals among the files are read with their results, \
            so that part-* names both.

            EXAMPLES
              reelscribe merge part-*.jsonl --output results.jsonl
              reelscribe merge part-*.jsonl --manifest jobs.jsonl --output results.jsonl
            """)

    @Argument(help: ArgumentHelp("Results of reelscribe run.", valueName: "results"))
    var results: [String]

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The merged file; it appears as a whole.", valueName: "file"),
        completion: .file())
    var output: String

    @Option(
        help: ArgumentHelp("Gives the order, and the jobs that must be there.", valueName: "file"),
        completion: .file())
    var manifest: String?

    func run() throws {
        try OutputGuard.check(output: output, against: results + [manifest].compactMap(\.self))
        let (results, journals) = ResultMerge.sort(results)
        if results.isEmpty {
            throw Failure(
                .optionsInvalid, stage: .options,
                message: "these are journals alone: \(journals.joined(separator: ", "))",
                hint: "name the results beside them")
        }
        if !journals.isEmpty {
            StandardStreams.complain(
                "reelscribe: notice: passed over, as journals are read with their results: "
                    + journals.joined(separator: ", "))
        }
        var merge = ResultMerge()
        for path in results { try merge.add(path) }
        let report = try merge.write(to: output, manifest: try readManifest())
        StandardStreams.complain(
            "reelscribe: notice: \(report.jobs) jobs, \(report.failed) of them failed"
                + (report.dropped > 0 ? "; \(report.dropped) results more were dropped" : ""))
        guard report.missing.isEmpty else {
            let first = report.missing.prefix(3).joined(separator: ", ")
            throw Failure(
                .inputInvalid, stage: .open,
                message: "\(report.missing.count) jobs of \(manifest ?? "the manifest") have no "
                    + "result: \(first)\(report.missing.count > 3 ? ", …" : "")",
                hint: "run the shard that lacks them again")
        }
    }

    private func readManifest() throws -> Manifest? {
        guard let manifest else { return nil }
        do throws(BatchError) {
            return try Manifest.reading(manifest, for: .order)
        } catch {
            throw error.failure
        }
    }
}
