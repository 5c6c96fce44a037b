import Foundation
import OrderedJSON
import Testing

/// `model quantize` and `model pull` as users call them.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct ModelCommandTests {
    private static let sample = "Samples/model"

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/models-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private func quantize(_ output: String, _ options: String...) throws -> Tool.Outcome {
        try Tool.run(
            ["model", "quantize", Self.sample, "--output", output] + options, in: Repository.root)
    }

    /// The stored copy says the same words as the checkpoint that is converted at every start.
    @Test(arguments: ["int8", "int4"]) func storedCopySpeaksTheSame(weights: String) throws {
        try withFolder { folder in
            let output = folder + "/small"
            let made = try quantize(output, "--weights", weights)
            #expect(made.status == 0, "\(made.errors)")
            let document = try JSON.parse(made.output)
            #expect(document["schema"]?.string == "reelscribe/model-info@1")
            #expect(document["weights"]?.string == weights)
            #expect(names(folder) == ["small"])
            #expect(names(output).contains("tokenizer.json"))
            func words(_ options: [String]) throws -> JSON? {
                let outcome = try Tool.run(
                    [
                        "ask", "Samples/shapes-and-cuts.mp4", "What moves?", "--fps", "1",
                        "--max-new-tokens", "12", "--no-timing",
                    ] + options, in: Repository.root)
                #expect(outcome.status == 0, "\(outcome.errors)")
                return try JSON.parse(outcome.output)["answer"]
            }
            #expect(
                try words(["--model", output])
                    == (try words(["--model", Self.sample, "--weights", weights])))
        }
    }

    @Test func whatIsThereStays() throws {
        try withFolder { folder in
            let output = folder + "/small"
            #expect(try quantize(output, "--weights", "int4").status == 0)
            let before =
                try FileManager.default.attributesOfItem(
                    atPath: output + "/model.safetensors")[.modificationDate] as? Date
            let refused = try quantize(output, "--weights", "int8")
            #expect(refused.status == 73 && refused.errors.contains("--force"))
            let after =
                try FileManager.default.attributesOfItem(
                    atPath: output + "/model.safetensors")[.modificationDate] as? Date
            #expect(before == after)
            let forced = try quantize(output + "/", "--weights", "int8", "--force")
            #expect(forced.status == 0, "\(forced.errors)")
            let document = try JSON.parse(forced.output)
            #expect(document["weights"]?.string == "int8")
            #expect(names(folder) == ["small"])
            // Not even force replaces what is no checkpoint.
            try FileManager.default.createDirectory(
                atPath: folder + "/photos", withIntermediateDirectories: true)
            try Data([1]).write(to: URL(fileURLWithPath: folder + "/photos/a.jpg"))
            #expect(try quantize(folder + "/photos", "--weights", "int8", "--force").status == 73)
            #expect(names(folder + "/photos") == ["a.jpg"])
        }
    }

    @Test func wrongUse() throws {
        let itself = try quantize(Self.sample, "--weights", "int8", "--force")
        #expect(itself.status == 64 && itself.errors.contains("the checkpoint itself"))
        try withFolder { folder in
            let useless = try quantize(folder + "/x", "--weights", "bf16")
            #expect(useless.status == 64, "\(useless.errors)")
            let nowhere = try quantize(folder + "/no/x", "--weights", "int8")
            #expect(nowhere.status == 73, "\(nowhere.errors)")
            #expect(names(folder).isEmpty)
        }
    }

    /// A limit on the size of files stands for a full disk: what was begun goes away.
    @Test func aFullDiskLeavesNothing() throws {
        try withFolder { folder in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = [
                "-c",
                "trap '' XFSZ; ulimit -f 100; exec \"$0\" model quantize \"$1\" --weights int8 --output \"$2\"",
                Tool.path ?? "", Repository.path(Self.sample), folder + "/small",
            ]
            let errors = Pipe()
            process.standardError = errors
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            let text = String(
                decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 74, "\(text)")
            #expect(text.contains("cannot write"))
            #expect(names(folder).isEmpty)
        }
    }

    @Test(arguments: [
        (["x"], 64, "not the name of a model"),
        (["a/b", "--revision", "../x"], 64, "not the name of a revision"),
    ])
    func wrongNames(arguments: [String], status: Int32, says: String) throws {
        let outcome = try Tool(
            ["model", "pull"] + arguments, environment: ["HF_ENDPOINT": "http://127.0.0.1:1"]
        ).outcome()
        #expect(outcome.status == status && outcome.errors.contains(says), "\(outcome.errors)")
        let endpoint = try Tool(
            ["model", "pull", "a/b"], environment: ["HF_ENDPOINT": "ftp://127.0.0.1"]
        ).outcome()
        #expect(endpoint.status == 64 && endpoint.errors.contains("HF_ENDPOINT"))
    }
}
