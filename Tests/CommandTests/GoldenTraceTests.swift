import Foundation
import OrderedJSON
import Testing

/// Every stage of the path against the reference implementation, through the command that others
/// use for the same purpose. Guards against any change of numbers anywhere on the path.
@Suite struct GoldenTraceTests {
    static let ownCases = cases(below: Repository.path("Tests/Fixtures/golden"))
    static let sharedCases = cases(below: Repository.shared("reference"))

    @Test(arguments: ownCases)
    func traceEqualsTheReference(_ item: Case) throws { try check(item) }

    @Test(
        .enabled(
            if: !sharedCases.isEmpty, "no further reference cases beside this checkout"),
        arguments: sharedCases)
    func traceEqualsFurtherReferenceCases(_ item: Case) throws { try check(item) }

    @Test func thereAreCases() { #expect(Self.ownCases.count >= 8) }

    struct Case: Sendable, CustomTestStringConvertible {
        let folder: String
        let name: String
        var testDescription: String { name }
    }

    private func check(_ item: Case) throws {
        let folder = "\(item.folder)/cases/\(item.name)"
        let facts = try JSON.parse(
            [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/case.json"))))
        let arguments = try #require(facts["trace_args"]?.array).map { try #require($0.string) }
        let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("trace-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: output) }
        let run = try Tool.run(arguments + [output], in: item.folder)
        try #require(run.status == 0, "\(run.errors)")
        let differences = TraceComparison.differences(
            golden: try TraceFile(path: "\(folder)/golden.safetensors"),
            trace: try TraceFile(path: output))
        #expect(differences == [])
    }

    private static func cases(below folder: String) -> [Case] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/cases")) ?? []
        return names.sorted().filter {
            FileManager.default.fileExists(atPath: "\(folder)/cases/\($0)/case.json")
        }.map { Case(folder: folder, name: $0) }
    }
}

/// What a trace says of tokens that are left out.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct PrunedTraceTests {
    private func trace(_ options: String...) throws -> TraceFile {
        let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("trace-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: output) }
        let run = try Tool.run(
            [
                "trace", Repository.path("Samples/street-crossing.mkv"), "--prompt", "What moves?",
                "--max-new-tokens", "4", "--output", output,
            ] + options)
        try #require(run.status == 0, "\(run.errors)")
        return try TraceFile(path: output)
    }

    // Guards positions and rows of the tokens that are read: those that they have among all.
    @Test func tokensKeepTheirPositions() throws {
        let whole = try trace()
        let pruned = try trace("--prune", "0")
        func values(_ trace: TraceFile, _ name: String) throws -> [Double] {
            try #require(trace[name], "\(name)").values
        }
        let kept = try values(pruned, "visual_tokens_kept").map { Int($0) }
        #expect(whole["visual_tokens_kept"] == nil)
        let hidden = try #require(whole["vision_embeds"]).shape[1]
        let count = try #require(whole["vision_embeds"]).shape[0]
        #expect(kept.count < count && kept == kept.sorted() && Set(kept).count == kept.count)
        #expect(try values(pruned, "pixel_values") == values(whole, "pixel_values"))
        let rows = try values(whole, "vision_embeds")
        let read = try values(pruned, "vision_embeds")
        #expect(read.count == kept.count * hidden)
        for (index, place) in kept.enumerated() {
            #expect(
                read[index * hidden..<(index + 1) * hidden]
                    == rows[place * hidden..<(place + 1) * hidden])
        }
        let ids = try values(whole, "input_ids")
        let first = try #require(ids.indices.first { ids[$0] == ids[$0 + 1] })
        let places =
            Array(0..<first) + kept.map { first + $0 } + Array(first + count..<ids.count)
        #expect(try values(pruned, "input_ids") == places.map { ids[$0] })
        let positions = try values(whole, "position_ids")
        let expected = (0..<3).flatMap { axis in
            places.map { positions[axis * ids.count + $0] }
        }
        #expect(try values(pruned, "position_ids") == expected)
    }
}
