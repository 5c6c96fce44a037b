import Foundation
import Testing

/// A trace in which tokens stand behind the prompt.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct ContinuedTraceTests {
    private func arguments(_ options: [String], output: String) -> [String] {
        [
            "trace", Repository.path("Samples/sample-world.mp4"), "--model",
            Repository.path("Samples/model"), "--prompt", "When can STOP be read?", "--detail",
            "low",
            "--output", output,
        ] + options
    }

    private func trace(_ options: String...) throws -> TraceFile {
        let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("trace-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: output) }
        let run = try Tool.run(arguments(options, output: output))
        try #require(run.status == 0, "\(run.errors)")
        return try TraceFile(path: output)
    }

    private func values(_ trace: TraceFile, _ name: String) throws -> [Double] {
        try #require(trace[name], "\(name)").values
    }

    // Guards the places of the continuation, those that decoding would have given its tokens: at
    // others the model would go on in another way.
    @Test(arguments: [1, 4]) func goesOnAsIfItHadBeenWritten(count: Int) throws {
        let whole = try trace("--max-new-tokens", "12", "--all-logits")
        let written = try values(whole, "generated_ids")
        try #require(written.count > count)
        let given = written.prefix(count).map { String(Int($0)) }.joined(separator: ",")
        let rest = try trace("--max-new-tokens", "12", "--all-logits", "--continuation", given)
        let ids = try values(whole, "input_ids")
        #expect(try values(rest, "input_ids") == ids + written.prefix(count))
        #expect(try values(rest, "generated_ids").starts(with: written.dropFirst(count)))

        let positions = try values(whole, "position_ids")
        let continued = try values(rest, "position_ids")
        let length = ids.count + count
        for axis in 0..<3 {
            let prompt = positions[axis * ids.count..<(axis + 1) * ids.count]
            let next = positions.max().map { $0 + 1 } ?? 0
            let behind = (0..<count).map { next + Double($0) }
            #expect(Array(continued[axis * length..<(axis + 1) * length]) == prompt + behind)
        }

        let logits = try #require(rest["logits"])
        let vocabulary = logits.shape[1]
        #expect(logits.shape[0] == length)
        for index in 0...count {
            let row = logits.values[
                (ids.count - 1 + index) * vocabulary..<(ids.count + index) * vocabulary]
            let top = try #require(row.indices.max { row[$0] < row[$1] }) - row.startIndex
            #expect(top == Int(written[index]), "token \(index)")
        }
        let alone = try values(whole, "logits")
        #expect(Array(logits.values.prefix(alone.count)) == alone)
    }

    // Guards the embedding, which is looked up by id.
    @Test(arguments: [
        ("1,x", "'x' is no token id"), ("1,,2", "'' is no token id"), ("-1", "continuation"),
        ("1,99999999", "token 99999999 of the continuation"),
        ("99999999999999999999", "is no token id"),
    ])
    func refusesWhatIsNoToken(text: String, words: String) throws {
        let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("trace-\(UUID().uuidString).safetensors").path
        let run = try Tool.run(arguments(["--continuation", text], output: output))
        #expect(run.status == 64 && run.errors.contains(words), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
    }
}
