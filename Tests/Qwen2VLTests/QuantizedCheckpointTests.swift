import Compute
import Foundation
import OrderedJSON
import Qwen2VL
import Testing

/// One way in which a quantizer writes the linear layers of a checkpoint.
struct QuantizedForm: Sendable, CustomTestStringConvertible {
    enum Kind: Sendable { case awq, gptq4, gptq8 }

    let testDescription: String
    var kind: Kind
    var groupSize: Int
    /// Zero points in the middle of the levels.
    var isSymmetric: Bool
    /// Columns dealt out to groups in another order.
    var isReordered = false
    /// `gptq_v2` writes zero points as they are.
    var version2 = false
    /// What the layers are to be in memory.
    var memory: WeightFormat
    var isExact: Bool

    static let all = [
        QuantizedForm(
            testDescription: "AWQ", kind: .awq, groupSize: 128, isSymmetric: false, memory: .int4,
            isExact: false),
        QuantizedForm(
            testDescription: "AWQ, groups of 32", kind: .awq, groupSize: 32, isSymmetric: false,
            memory: .f16, isExact: false),
        QuantizedForm(
            testDescription: "AWQ, zero points in the middle", kind: .awq, groupSize: 64,
            isSymmetric: true, memory: .int4, isExact: true),
        QuantizedForm(
            testDescription: "GPTQ 4", kind: .gptq4, groupSize: 128, isSymmetric: true,
            memory: .int4, isExact: true),
        QuantizedForm(
            testDescription: "GPTQ 4, any zero points", kind: .gptq4, groupSize: 128,
            isSymmetric: false, memory: .int4, isExact: false),
        QuantizedForm(
            testDescription: "GPTQ 4, one group a row", kind: .gptq4, groupSize: -1,
            isSymmetric: true, memory: .int4, isExact: true),
        QuantizedForm(
            testDescription: "GPTQ 4, version 2", kind: .gptq4, groupSize: 128,
            isSymmetric: true, version2: true, memory: .int4, isExact: true),
        QuantizedForm(
            testDescription: "GPTQ 4, reordered", kind: .gptq4, groupSize: 128, isSymmetric: true,
            isReordered: true, memory: .f16, isExact: false),
        QuantizedForm(
            testDescription: "GPTQ 8", kind: .gptq8, groupSize: 128, isSymmetric: true,
            memory: .int8, isExact: true),
        QuantizedForm(
            testDescription: "GPTQ 8, any zero points", kind: .gptq8, groupSize: 128,
            isSymmetric: false, memory: .f16, isExact: false),
    ]

    var bits: Int { kind == .gptq8 ? 8 : 4 }

    var config: JSON {
        var object: JSONObject = [
            "quant_method": kind == .awq ? "awq" : "gptq", "bits": .int(bits),
            "group_size": .int(groupSize),
        ]
        if kind == .awq {
            object["zero_point"] = true
            object["version"] = "gemm"
            object["modules_to_not_convert"] = ["visual"]
        } else {
            object["desc_act"] = .bool(isReordered)
            object["sym"] = .bool(isSymmetric)
            if version2 { object["checkpoint_format"] = "gptq_v2" }
        }
        return .object(object)
    }

    /// The tensors of a layer, packed here by the rules of the specification, and what they mean.
    func layer(
        _ name: String, rows: Int, columns: Int
    ) -> (tensors: [CheckpointWriter.Tensor], values: [Float]) {
        var noise = Noise(name + testDescription)
        let group = groupSize < 0 ? columns : groupSize
        let groups = columns / group
        let top = 1 << bits
        // A fixed permutation: 5 has no factor in common with the widths.
        let order = (0..<columns).map { isReordered ? $0 * 5 % columns / group : $0 / group }
        let levels = (0..<rows * columns).map { _ in noise.whole(top) }
        let zeros = (0..<groups * rows).map { _ in
            isSymmetric ? top / 2 : kind == .awq ? noise.whole(top) : 1 + noise.whole(top)
        }
        let scales = (0..<groups * rows).map { _ in
            Float16(0.2 / Float(top) * (1.2 + noise.unit()))
        }
        var values: [Float] = []
        for row in 0..<rows {
            for column in 0..<columns {
                let place = order[column] * rows + row
                values.append(
                    Float(levels[row * columns + column] - zeros[place]) * Float(scales[place]))
            }
        }

        /// Words of numbers that lie `step` apart, `count` of them for each word.
        func words(_ numbers: [Int], _ shifts: [Int]) -> UInt32 {
            zip(numbers, shifts).reduce(0) { $0 | UInt32($1.0) << UInt32($1.1) }
        }
        let perWord = 32 / bits
        let plain = (0..<perWord).map { $0 * bits }
        let shifts = kind == .awq ? [0, 16, 4, 20, 8, 24, 12, 28] : plain
        var packed: [UInt32] = []
        if kind == .awq {
            for column in 0..<columns {
                for first in stride(from: 0, to: rows, by: perWord) {
                    packed.append(
                        words((0..<8).map { levels[(first + $0) * columns + column] }, shifts))
                }
            }
        } else {
            for first in stride(from: 0, to: columns, by: perWord) {
                for row in 0..<rows {
                    packed.append(
                        words((0..<perWord).map { levels[row * columns + first + $0] }, plain))
                }
            }
        }
        let less = kind == .awq || version2 ? 0 : 1
        var packedZeros: [UInt32] = []
        for index in 0..<groups {
            for first in stride(from: 0, to: rows, by: perWord) {
                packedZeros.append(
                    words((0..<perWord).map { zeros[index * rows + first + $0] - less }, shifts))
            }
        }
        func bytes<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
            values.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
        }
        typealias Tensor = CheckpointWriter.Tensor
        var tensors = [
            Tensor(
                name: name + ".qweight", scalar: "I32",
                shape: kind == .awq ? [columns, rows / 8] : [columns / perWord, rows],
                bytes: bytes(packed)),
            Tensor(
                name: name + ".qzeros", scalar: "I32", shape: [groups, rows / perWord],
                bytes: bytes(packedZeros)),
            Tensor(
                name: name + ".scales", scalar: "F16", shape: [groups, rows],
                bytes: bytes(scales.map(\.bitPattern))),
        ]
        if kind != .awq {
            tensors.append(
                Tensor(
                    name: name + ".g_idx", scalar: "I32", shape: [columns],
                    bytes: bytes(order.map { Int32($0) })))
            if !["q_proj", "k_proj", "v_proj"].contains(where: name.contains) {
                tensors.append(
                    Tensor(
                        name: name + ".bias", scalar: "F16", shape: [rows],
                        bytes: [UInt8](repeating: 0, count: 2 * rows)))
            }
        }
        return (tensors, values)
    }

    /// The quantized checkpoint, and the same numbers in 32 bits.
    func writers() -> (quantized: CheckpointWriter, plain: CheckpointWriter) {
        var values: [String: [Float]] = [:]
        var tensors: [CheckpointWriter.Tensor] = []
        for linear in WideCheckpoint.linears {
            let made = layer(linear.name, rows: linear.rows, columns: linear.columns)
            values[linear.name + ".weight"] = made.values
            tensors += made.tensors
        }
        let plain = WideCheckpoint.writer(values)
        var quantized = plain
        quantized.tensors = plain.tensors.filter { values[$0.name] == nil } + tensors
        quantized.config["quantization_config"] = config
        return (quantized, plain)
    }
}

@Suite struct QuantizedCheckpointTests {
    private static func difference(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(a.count == b.count ? 0 : .infinity) { max($0, abs($1.0 - $1.1)) }
    }

    /// Packing order, zero points, their offset, groups and their order: each wrong one of them
    /// gives other numbers.
    @Test(arguments: QuantizedForm.all) func numbersAreThoseOfTheFormat(
        _ form: QuantizedForm
    ) throws {
        let (quantized, plain) = form.writers()
        let (folder, expected) = (try quantized.write(), try plain.write())
        let wide = try Model.load(folder: folder.path, weights: WeightFormats(.f32))
        let truth = try Model.load(folder: expected.path)
        for linear in WideCheckpoint.linears {
            let (found, right) = (
                try #require(WideCheckpoint.linear(wide, linear.name)),
                try #require(WideCheckpoint.linear(truth, linear.name))
            )
            #expect(
                CheckpointTests.values(found) == CheckpointTests.values(right), "\(linear.name)")
        }
        #expect(try WideCheckpoint.logits(wide) == (try WideCheckpoint.logits(truth)))
    }

    /// What stands in memory without any option, and how far it is from the file.
    @Test(arguments: QuantizedForm.all) func memoryHoldsWhatIsPromised(_ form: QuantizedForm) throws
    {
        let (quantized, plain) = form.writers()
        let (folder, expected) = (try quantized.write(), try plain.write())
        let model = try Model.load(folder: folder.path)
        let truth = try Model.load(folder: expected.path)
        var worst: Float = 0
        for linear in WideCheckpoint.linears {
            let found = try #require(WideCheckpoint.linear(model, linear.name))
            let right = CheckpointTests.values(
                try #require(WideCheckpoint.linear(truth, linear.name)))
            #expect(found.format == form.memory, "\(linear.name)")
            let values = CheckpointTests.values(found)
            worst = max(worst, Self.difference(values, right))
            if form.memory == .f16 {
                // The reference's own kernels compute in half precision.
                #expect(values == right.map { Float(Float16($0)) })
            }
        }
        if form.isExact { #expect(worst == 0) }
        // Scales are below 0.028, zero points up to 16; rounding their product to half precision
        // moves it by 2⁻¹² of a power of two at most.
        if form.memory == .int4 { #expect(worst <= 0.028 * 16 / 2048) }
        let info = try ModelInfo.read(folder: folder.path)
        let share = try #require(info.types.first)
        #expect(share.memory == form.memory && share.isExact == form.isExact)
        #expect(share.stored == (form.kind == .awq ? "awq-4" : "gptq-\(form.bits)"))
        #expect(info.parameters == (try ModelInfo.read(folder: expected.path)).parameters)
        #expect(info.extraTensors == 0)
        let matrices = model.language.layers.flatMap {
            [$0.q, $0.k, $0.v, $0.o, $0.gate, $0.up, $0.down].map(\.weight.byteCount)
        }
        let rest = plain.tensors.filter { !$0.name.contains("_proj.weight") }
            .reduce(0) { $0 + $1.bytes.count }
        #expect(info.loadedBytes(weights: WeightFormats()) == rest + matrices.reduce(0, +))

        // Activations are rounded to 8 bits where the weights are in groups.
        let (found, right) = (
            try WideCheckpoint.logits(model), try WideCheckpoint.logits(truth)
        )
        let miss = zip(found, right).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = right.reduce(Float(0)) { $0 + $1 * $1 }
        let bound: Float = form.memory == .f16 ? 2e-3 : 0.08
        #expect((miss / size).squareRoot() <= bound, "\((miss / size).squareRoot())")
        #expect(Self.difference(found, right) > 0)
    }

    /// What is asked for is made of the numbers of the file, not of a rounded form of them.
    @Test(arguments: [QuantizedForm.all[0], QuantizedForm.all[3], QuantizedForm.all[8]])
    func otherFormatsAreMadeOfTheSameNumbers(_ form: QuantizedForm) throws {
        let (quantized, plain) = form.writers()
        let (folder, expected) = (try quantized.write(), try plain.write())
        for format in [WeightFormat.bf16, .f16, .int8, .int4] {
            let weights = WeightFormats(language: format)
            let model = try Model.load(folder: folder.path, weights: weights)
            let truth = try Model.load(folder: expected.path, weights: weights)
            for linear in WideCheckpoint.linears {
                let found = try #require(WideCheckpoint.linear(model, linear.name))
                let right = try #require(WideCheckpoint.linear(truth, linear.name))
                // Keys and values keep 8 bits where the file does not have 4 of them.
                let isSmall = linear.name.hasSuffix("k_proj") || linear.name.hasSuffix("v_proj")
                let keepsMore = format == .int4 && form.memory != .int4 && isSmall
                #expect(found.format == (keepsMore ? .int8 : format), "\(linear.name)")
                let takenOver =
                    found.format == .int4 && form.bits == 4 || found.format == .int8
                if takenOver {
                    // Better than rounding again: see `memoryHoldsWhatIsPromised`.
                    let exact = CheckpointTests.values(
                        try #require(
                            WideCheckpoint.linear(
                                try Model.load(folder: expected.path), linear.name)))
                    #expect(Self.difference(CheckpointTests.values(found), exact) <= 3e-4)
                } else {
                    #expect(CheckpointTests.values(found) == CheckpointTests.values(right))
                }
            }
        }
    }

    // MARK: - Faults

    private func failure(_ writer: CheckpointWriter) throws -> String {
        let folder = try writer.write()
        do {
            _ = try Model.load(folder: folder.path)
            return "loaded"
        } catch {
            return error.description
        }
    }

    /// A file that does not fit its own configuration is one clear error.
    @Test(arguments: [
        ("qweight", "shape"), ("qzeros", "shape"), ("scales", "shape"), ("g_idx", "shape"),
    ])
    func wrongShapes(part: String, word: String) throws {
        var writer = QuantizedForm.all[3].writers().quantized
        let index = try #require(
            writer.tensors.firstIndex { $0.name == "model.layers.1.mlp.up_proj." + part })
        writer.tensors[index].shape.insert(1, at: 0)
        let message = try failure(writer)
        #expect(message.contains("model.layers.1.mlp.up_proj." + part) && message.contains(word))
        writer.tensors.remove(at: index)
        if part != "g_idx" {
            #expect(try failure(writer).contains("up_proj.\(part): missing"))
        } else {
            #expect(try failure(writer) == "loaded")
        }
    }

    @Test func wrongTypesOfParts() throws {
        var writer = QuantizedForm.all[3].writers().quantized
        let index = try #require(writer.tensors.firstIndex { $0.name.hasSuffix("qweight") })
        writer.tensors[index].scalar = "F32"
        #expect(try failure(writer).contains("stored as F32, must be I32"))
    }

    /// The order of columns comes from the file: an index beyond the scales would read elsewhere.
    @Test(arguments: [
        (Int32(2), "not one of 2 groups"), (-1, "group -1"), (1, "columns in a group"),
    ])
    func wrongOrder(index: Int32, words: String) throws {
        var writer = QuantizedForm.all[3].writers().quantized
        let tensor = try #require(writer.tensors.firstIndex { $0.name.hasSuffix("q_proj.g_idx") })
        writer.tensors[tensor].bytes.replaceSubrange(
            0..<4, with: withUnsafeBytes(of: index.littleEndian, Array.init))
        #expect(try failure(writer).contains(words))
    }

    @Test func scalesThatAreNoNumbers() throws {
        for form in [QuantizedForm.all[0], QuantizedForm.all[8], QuantizedForm.all[7]] {
            var writer = form.writers().quantized
            let index = try #require(
                writer.tensors.firstIndex { $0.name.hasSuffix("k_proj.scales") })
            writer.tensors[index].bytes.replaceSubrange(0..<2, with: [0, 0x7C])
            #expect(try failure(writer).contains("finite"), "\(form.testDescription)")
        }
    }

    /// A bias where the layer has none would be lost in silence.
    @Test func biasesThatSaySomething() throws {
        var writer = QuantizedForm.all[3].writers().quantized
        let index = try #require(writer.tensors.firstIndex { $0.name.hasSuffix("o_proj.bias") })
        writer.tensors[index].bytes[3] = 0x3C
        #expect(try failure(writer).contains("this layer has none"))
    }

    @Test(arguments: [
        ("bits", "3", "bits is 3"), ("group_size", "0", "group_size"),
        ("group_size", "100", "qzeros"), ("group_size", "\"all\"", "whole number"),
        ("checkpoint_format", "\"marlin\"", "marlin"), ("lm_head", "true", "lm_head"),
        ("dynamic", #"{"+:.*": {"bits": 8}}"#, "dynamic"), ("quant_method", "\"hqq\"", "hqq"),
        ("bits", "null", "bits: missing"),
    ])
    func wrongSettings(key: String, value: String, words: String) throws {
        var writer = QuantizedForm.all[3].writers().quantized
        var settings = try #require(writer.config["quantization_config"]?.object)
        settings[key] = try JSON.parse(value)
        writer.config["quantization_config"] = .object(settings)
        let message = try failure(writer)
        #expect(message.contains(words), "\(message)")
    }

    @Test(arguments: [("version", "\"gemv\""), ("zero_point", "false"), ("bits", "8")])
    func wrongSettingsOfAWQ(key: String, value: String) throws {
        var writer = QuantizedForm.all[0].writers().quantized
        var settings = try #require(writer.config["quantization_config"]?.object)
        settings[key] = try JSON.parse(value)
        writer.config["quantization_config"] = .object(settings)
        #expect(try failure(writer).contains("quantization_config.\(key) is \(value)"))
    }

    /// Shapes of one size for another: the words would be those of other columns.
    @Test func fourBitsTakenForEight() throws {
        var writer = QuantizedForm.all[3].writers().quantized
        var settings = try #require(writer.config["quantization_config"]?.object)
        settings["bits"] = 8
        writer.config["quantization_config"] = .object(settings)
        #expect(try failure(writer).contains("shape"))
    }

    @Test func aFileThatWasCutShort() throws {
        let folder = try QuantizedForm.all[0].writers().quantized.write()
        let bytes = try folder.read("model.safetensors")
        try folder.write("model.safetensors", Array(bytes.dropLast(1000)))
        let error = #expect(throws: ModelError.self) { try Model.load(folder: folder.path) }
        #expect(error?.description.contains("cut short") == true)
        #expect(error?.code == "model.damaged")
    }
}
