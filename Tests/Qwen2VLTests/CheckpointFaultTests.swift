import Compute
import Foundation
import OrderedJSON
import Qwen2VL
import Testing

/// A file that was damaged on its way, or made to do harm.
struct HostileFile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Words that the message must hold.
    let says: [String]
    /// The bytes of `model.safetensors`, from the sound tensors.
    let bytes: @Sendable ([CheckpointWriter.Tensor]) -> [UInt8]

    /// Edits the entry of the final norm, or the whole header.
    static func header(
        _ name: String, says: String..., edit: @escaping @Sendable (inout JSONObject) -> Void
    ) -> HostileFile {
        HostileFile(testDescription: name, says: says) { tensors in
            var header = CheckpointWriter.header(tensors)
            edit(&header)
            return CheckpointWriter.file(
                header: JSON.object(header).compact, data: tensors.flatMap(\.bytes))
        }
    }

    static func norm(
        _ name: String, _ key: String, _ value: JSON, says: String...
    ) -> HostileFile {
        header(name, says: says.joined()) { header in
            var entry = header["model.norm.weight"]?.object ?? JSONObject()
            entry[key] = value
            header["model.norm.weight"] = .object(entry)
        }
    }

    static func raw(_ name: String, says: String..., bytes: [UInt8]) -> HostileFile {
        HostileFile(testDescription: name, says: says) { _ in bytes }
    }

    private static func length(_ value: UInt64) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    static let all: [HostileFile] = [
        raw("empty", says: "empty", bytes: []),
        raw("shorter than a length", says: "7 bytes", bytes: [1, 0, 0, 0, 0, 0, 0]),
        raw("header of 2⁶⁴ − 1", says: "18446744073709551615", bytes: length(.max) + [0x7B, 0x7D]),
        raw(
            "header beyond the limit", says: "at most",
            bytes: length(1 << 30) + [0x7B, 0x7D]),
        raw(
            "header longer than the file", says: "10 bytes", "expected 1008",
            bytes: length(1000) + [0x7B, 0x7D]),
        raw("header that is no JSON", says: "not valid JSON", bytes: length(3) + Array("{x}".utf8)),
        raw("header that is a list", says: "object", bytes: length(2) + Array("[]".utf8)),
        raw("header without end", says: "JSON", bytes: length(1) + Array("{".utf8)),
        raw(
            "header of nested lists", says: "nested",
            bytes: length(4000) + [UInt8](repeating: 0x5B, count: 4000)),
        raw(
            "pointer of Git LFS", says: "Git LFS",
            bytes: Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8)),
        raw("web page", says: "web page", bytes: Array("<!DOCTYPE html><html></html>".utf8)),
        HostileFile(testDescription: "cut in the last tensor", says: ["cut short"]) {
            CheckpointWriter.file($0).dropLast(5)
        },
        HostileFile(testDescription: "appended twice", says: ["holds"]) {
            CheckpointWriter.file($0) + [1, 2, 3]
        },
        norm("end beyond the file", "data_offsets", [0, .int(1 << 40)], says: "holds"),
        norm("huge shape and huge end", "shape", [.int(1 << 40)], says: "need"),
        norm("begin after end", "data_offsets", [64, 0], says: "data_offsets"),
        norm("negative begin", "data_offsets", [-64, 0], says: "data_offsets"),
        norm("end of 2⁶³ − 1", "data_offsets", [0, .int(.max)], says: "data_offsets"),
        norm("one offset", "data_offsets", [0], says: "data_offsets"),
        norm("offsets of text", "data_offsets", ["0", "64"], says: "data_offsets"),
        norm("offsets missing", "data_offsets", nil, says: "data_offsets"),
        norm("shape whose size overflows", "shape", [.int(1 << 62), 8], says: "64 bits"),
        norm(
            "shape that overflows to the right size", "shape", [.int(1 << 62), 4, 16],
            says: "64 bits"),
        norm("negative shape", "shape", [-4, -4], says: "shape"),
        norm("shape with a fraction", "shape", [.decimal(0.5)], says: "shape"),
        norm("shape of nine dimensions", "shape", [1, 1, 1, 1, 1, 1, 1, 1, 16], says: "shape"),
        norm("no shape", "shape", "16", says: "shape"),
        norm("unknown scalar", "dtype", "F128", says: "F128"),
        norm("scalar of another size", "dtype", "BF16", says: "holds"),
        norm("scalar that is no weight", "dtype", "I32", says: "I32"),
        norm("entry without scalar", "dtype", 3, says: "stored as 3"),
        norm("another shape of the same size", "shape", [4, 4], says: "[4, 4]", ),
        header("entry that is no object", says: "model.norm.weight") {
            $0["model.norm.weight"] = 7
        },
        header("two tensors on the same bytes", says: "overlaps") {
            $0["model.norm.weight"] = $0["model.layers.0.input_layernorm.weight"]
        },
        header("one name twice", says: "more than once", "model.norm.weight") { header in
            let member = header.members.first { $0.key == "model.norm.weight" }
            if let member { header.members.append(member) }
        },
        header("one tensor under two layouts", says: "more than once") { header in
            header["model.language_model.norm.weight"] = header["visual.blocks.0.norm1.weight"]
            header["visual.blocks.0.norm1.weight"] = nil
            header["model.language_model.norm.weight"] = [
                "dtype": "F32", "shape": [0], "data_offsets": [0, 0],
            ]
        },
        header("missing tensor", says: "model.norm.weight: missing") {
            $0["model.norm.weight"] = nil
        },
        header("no tensors", says: "missing", "and ") { $0 = [:] },
    ]
}

@Suite struct CheckpointFaultTests {
    private func failure(_ folder: TemporaryFolder) throws -> ModelError {
        let error = #expect(throws: ModelError.self) { try Model.load(folder: folder.path) }
        return try #require(error)
    }

    @Test(arguments: HostileFile.all) func hostileFile(_ file: HostileFile) throws {
        let writer = CheckpointWriter()
        let folder = try writer.writeConfiguration()
        try folder.write("model.safetensors", file.bytes(writer.tensors))
        let error = try failure(folder)
        #expect(error.code == "model.damaged")
        #expect(error.exitCode == 78)
        for words in file.says {
            #expect(error.description.contains(words), "\(error)")
        }
        #expect(error.description.contains("model.safetensors"))
    }

    /// A file cut anywhere must give faults, never a crash.
    @Test func cutAnywhere() throws {
        let writer = CheckpointWriter(scalar: "BF16")
        let whole = CheckpointWriter.file(writer.tensors)
        let folder = try writer.writeConfiguration()
        for length in stride(from: 0, to: whole.count, by: 97) {
            try folder.write("model.safetensors", Array(whole[..<length]))
            #expect(throws: ModelError.self) { try Model.load(folder: folder.path) }
        }
    }

    /// A header with random bytes changed must be refused or read, never crash.
    @Test func changedHeaders() throws {
        let writer = CheckpointWriter(scalar: "BF16")
        let whole = CheckpointWriter.file(writer.tensors)
        let header = JSON.object(CheckpointWriter.header(writer.tensors)).compact.utf8.count
        let folder = try writer.writeConfiguration()
        var random = RandomSource(seed: 99)
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<3 {
                let place = Int(random.next() % UInt64(header + 8))
                bytes[place] = UInt8(truncatingIfNeeded: random.next())
            }
            try folder.write("model.safetensors", bytes)
            _ = try? Model.load(folder: folder.path)
        }
    }

    /// Configuration and tensors in one message, each fault by its name.
    @Test func allFaultsTogether() throws {
        var writer = CheckpointWriter()
        writer.config["image_token_id"] = 99
        writer.generation = ["top_p": 7]
        writer.tensors[0].scalar = "F128"
        let folder = try writer.write()
        let error = try failure(folder)
        guard case .damaged(_, let faults) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(faults.count == 3)
        for words in ["image_token_id", "top_p", "visual.patch_embed.proj.weight", "3 faults"] {
            #expect(error.description.contains(words), "\(error)")
        }
    }

    /// One wrong width spoils every tensor; the message stays readable.
    @Test func longListsAreCut() throws {
        var writer = CheckpointWriter()
        writer.config["hidden_size"] = 32
        writer.config["vision_config"] = .object(
            {
                var vision = writer.config["vision_config"]?.object ?? JSONObject()
                vision["hidden_size"] = 32
                return vision
            }())
        writer.config["head_dim"] = 8
        let folder = try writer.write()
        let error = try failure(folder)
        #expect(error.description.contains("and "))
        #expect(error.description.split(separator: "\n").count == 22)
    }

    @Test func untiedHeadThatIsMissing() throws {
        var writer = CheckpointWriter()
        writer.config["tie_word_embeddings"] = false
        let error = try failure(writer.write())
        #expect(error.description.contains("lm_head.weight: missing"))
    }

    // MARK: - Shards

    @Test(arguments: [
        ("../model-2-of-2.safetensors", "plain file name"),
        ("/etc/passwd", "plain file name"), ("a/b.safetensors", "plain file name"),
        ("..\\x.safetensors", "plain file name"), (".safetensors", "plain file name"),
        ("config.json", "plain file name"), ("x\u{0}.safetensors", "plain file name"),
        ("", "plain file name"), ("gone.safetensors", "missing"),
        ("model-1-of-2.safetensors", "does not hold it"),
    ])
    func indexThatLeadsAstray(target: String, says: String) throws {
        let folder = try CheckpointWriter().write(shards: 2) { map in
            for index in map.members.indices
            where map.members[index].value.string == "model-2-of-2.safetensors" {
                map.members[index].value = .string(target)
            }
        }
        let error = try failure(folder)
        #expect(error.code == "model.damaged")
        #expect(error.description.contains(says), "\(error)")
    }

    @Test func indexThatIsNoIndex() throws {
        let folder = try CheckpointWriter().writeConfiguration()
        for text in ["", "[]", "{}", #"{"weight_map": []}"#, #"{"weight_map": {"a": 1}}"#, "{"] {
            try folder.write("model.safetensors.index.json", Array(text.utf8))
            #expect(try failure(folder).code == "model.damaged")
        }
    }

    @Test func shardThatIsCut() throws {
        let folder = try CheckpointWriter().write(shards: 2)
        let name = "model-2-of-2.safetensors"
        let bytes = try folder.read(name)
        try folder.write(name, Array(bytes.dropLast(100)))
        let error = try failure(folder)
        #expect(
            error.description.contains(
                "\(name): \(bytes.count - 100) bytes, expected \(bytes.count)"), "\(error)")
    }

    // MARK: - Folders

    @Test func nothingThere() throws {
        let folder = try TemporaryFolder()
        for (path, reason) in [
            (folder.path + "/none", ModelError.NotFoundReason.noFolder),
            (folder.path, .noConfiguration), ("", .noFolder),
        ] {
            let error = #expect(throws: ModelError.self) { try Model.load(folder: path) }
            #expect(error == .notFound(path: path, reason: reason))
            #expect(error?.code == "model.not_found" && error?.hint != nil)
        }
        try folder.write("file", [1])
        let path = folder.path + "/file"
        #expect(throws: ModelError.notFound(path: path, reason: .notFolder)) {
            try Model.load(folder: path)
        }
        let bare = try CheckpointWriter().writeConfiguration()
        #expect(throws: ModelError.notFound(path: bare.path, reason: .noWeights)) {
            try Model.load(folder: bare.path)
        }
    }

    @Test(arguments: ["pytorch_model.bin", "pytorch_model.bin.index.json"])
    func otherFormats(name: String) throws {
        let folder = try CheckpointWriter().writeConfiguration()
        try folder.write(name, [1, 2, 3])
        let error = try failure(folder)
        #expect(error.code == "model.unsupported")
        #expect(error.description.contains(name) && error.hint != nil)
    }

    @Test func otherModels() throws {
        var writer = CheckpointWriter()
        writer.config["model_type"] = "qwen2_5_vl"
        let error = try failure(writer.write())
        #expect(error.code == "model.unsupported")
        #expect(error.description.contains("qwen2_5_vl"))
        writer.config["model_type"] = "qwen2_vl"
        writer.config["quantization_config"] = ["quant_method": "fp8"]
        #expect(try failure(writer.write()).description.contains("fp8"))
    }

    /// A pipe would be waited for without end, a folder cannot be mapped.
    @Test func weightsThatAreNoFile() throws {
        let folder = try CheckpointWriter().writeConfiguration()
        let path = folder.path + "/model.safetensors"
        #expect(mkfifo(path, 0o600) == 0)
        #expect(try failure(folder).description.contains("not a regular file"))
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try failure(folder).description.contains("not a regular file"))
    }

    @Test func brokenConfiguration() throws {
        let folder = try CheckpointWriter().write()
        for text in ["", "{", "[]", "{\"model_type\": \"qwen2_vl\"} x"] {
            try folder.write("config.json", Array(text.utf8))
            let error = try failure(folder)
            #expect(error.code == "model.damaged")
            #expect(error.description.contains("config.json: "), "\(error)")
        }
    }

    @Test func fileThatChangesItsSize() throws {
        let folder = try TemporaryFolder()
        try folder.write("data", [UInt8](repeating: 1, count: 100))
        let file = try MappedFile(path: folder.path + "/data")
        try file.checkUnchanged()
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
        try handle.truncate(atOffset: 50)
        #expect(throws: ComputeError.changedSize(path: file.path, mapped: 100, found: 50)) {
            try file.checkUnchanged()
        }
    }
}

@Suite struct CheckpointScalarTests {
    /// Ties go to the even neighbour; NaN stays NaN, and the largest finite rounds to infinity.
    @Test(arguments: [
        (UInt32(0x3F80_0000), UInt16(0x3F80)), (0x3F80_7FFF, 0x3F80), (0x3F80_8000, 0x3F80),
        (0x3F80_8001, 0x3F81), (0x3F81_8000, 0x3F82), (0x3F81_7FFF, 0x3F81), (0xBF81_8000, 0xBF82),
        (0, 0), (0x8000_0000, 0x8000), (0x7F80_0000, 0x7F80), (0xFF80_0000, 0xFF80),
        (0x7F7F_FFFF, 0x7F80), (0x7F80_0001, 0x7FC0), (0x7FFF_FFFF, 0x7FFF), (0xFFC0_0000, 0xFFC0),
        (0x0000_8000, 0), (0x0000_8001, 1), (0x0001_8000, 2),
    ])
    func roundingToBFloat(bits: UInt32, expected: UInt16) {
        #expect(ScalarConversion.bf16(Float(bitPattern: bits)) == expected)
    }

    /// Every half there is, there and back.
    @Test func everyHalf() {
        for bits in UInt16.min...UInt16.max {
            let half = Float16(bitPattern: bits)
            let wide = ScalarConversion.float(f16: bits)
            if half.isNaN {
                #expect(wide.isNaN)
                #expect(Float16(bitPattern: ScalarConversion.f16(wide)).isNaN)
            } else if wide != Float(half) || ScalarConversion.f16(wide) != bits {
                Issue.record("half \(bits)")
            }
        }
    }

    /// Between halves, against the hardware: midpoints and their neighbours, and the whole range.
    @Test func roundingToHalf() {
        var random = RandomSource(seed: 1)
        var tested: [Float] = [
            65504, 65519.996, 65520, 65536, 1e30, .infinity, 5e-8, 2.98e-8, 1e-9,
        ]
        for bits in UInt16(0)..<0x7BFF {
            let low = Float(Float16(bitPattern: bits))
            let middle = (low + Float(Float16(bitPattern: bits + 1))) / 2
            tested += [middle, middle.nextUp, middle.nextDown]
        }
        for _ in 0..<100_000 {
            tested.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))
        }
        for value in tested where !value.isNaN {
            for signed in [value, -value]
            where ScalarConversion.f16(signed) != Float16(signed).bitPattern {
                Issue.record("\(signed)")
            }
        }
    }
}
