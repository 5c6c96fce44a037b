import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// How activations are rounded: from whoever loads a model down to the threads that compute, and back
/// into documents.
@Suite struct ActivationsTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private func analyzer(_ activations: Activations) throws -> Analyzer {
        try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2,
            activations: activations)
    }

    @Test(arguments: Activations.allCases)
    func reachesThePool(_ activations: Activations) throws {
        let analyzer = try analyzer(activations)
        #expect(analyzer.pool.activations == activations)
        let other: Activations = activations == .full ? .fast : .full
        let changed = analyzer.rounding(other)
        #expect(changed.pool.activations == other)
        #expect(changed.pool.threads == analyzer.pool.threads)
        #expect(analyzer.pool.activations == activations)
        #expect(analyzer.rounding(activations) === analyzer)
        #expect(Benchmark.Options(threads: 1).activations == .full)
    }

    // The document says what was done, not what was wished for.
    @Test(arguments: Activations.allCases, Activations.allCases)
    func documentsTellWhatWasDone(_ done: Activations, wished: Activations) throws {
        var settings = Settings()
        settings.generation.maxNewTokens = 4
        settings.activations = wished
        let document = try analyzer(done).summarize(
            try .resolving("\(Self.root)/Samples/shapes-and-cuts.mp4", settings: settings),
            settings: settings)
        #expect(
            document.json["settings"]?["activations"]?.string == (done == .fast ? "fast" : nil))
        #expect(DocumentValidator().faults(in: document.json) == [])
    }
}
