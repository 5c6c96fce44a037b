import Foundation
import OrderedJSON

/// The tensors of a trace or golden file, as doubles.
struct TraceFile {
    struct Tensor {
        let type: String
        let shape: [Int]
        let values: [Double]
    }

    let tensors: [(name: String, tensor: Tensor)]

    struct Unreadable: Error { let reason: String }

    init(path: String) throws {
        let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        guard data.count >= 8 else { throw Unreadable(reason: "no header") }
        let length = (0..<8).reduce(0) { $0 | Int(data[$1]) << (8 * $1) }
        guard length <= data.count - 8 else { throw Unreadable(reason: "header of \(length)") }
        let header = try JSON.parse(data[8..<8 + length])
        let body = data[(8 + length)...]
        tensors = try (header.object?.members ?? []).filter { $0.key != "__metadata__" }.map {
            guard let type = $0.value["dtype"]?.string,
                let shape = $0.value["shape"]?.array?.compactMap(\.int),
                let start = $0.value["data_offsets"]?[0]?.int,
                let end = $0.value["data_offsets"]?[1]?.int, start <= end, end <= body.count
            else { throw Unreadable(reason: $0.key) }
            let bytes = body[(body.startIndex + start)..<(body.startIndex + end)]
            let values = try Self.values(Array(bytes), type: type)
            guard values.count == shape.reduce(1, *) else { throw Unreadable(reason: $0.key) }
            return ($0.key, Tensor(type: type, shape: shape, values: values))
        }
    }

    subscript(name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }

    private static func values(_ bytes: [UInt8], type: String) throws -> [Double] {
        func read<Number>(_: Number.Type, _ value: (Number) -> Double) -> [Double] {
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / MemoryLayout<Number>.size).map {
                    value(
                        raw.loadUnaligned(
                            fromByteOffset: $0 * MemoryLayout<Number>.size, as: Number.self))
                }
            }
        }
        return switch type {
        case "F32": read(Float.self, Double.init)
        case "F64": read(Double.self) { $0 }
        case "I64": read(Int64.self, Double.init)
        case "U8": read(UInt8.self, Double.init)
        default: throw Unreadable(reason: "type \(type)")
        }
    }
}

/// How far a trace is from a golden file; the rules of `Tests/Fixtures/golden/README.md`.
enum TraceComparison {
    private static let exact: Set<String> = [
        "frame_indices", "frames_rgb", "grid_thw", "input_ids", "position_ids", "generated_ids",
    ]

    /// What differs, a line a tensor; empty where the trace equals the golden file.
    static func differences(golden: TraceFile, trace: TraceFile) -> [String] {
        var found: [String] = []
        var limit = 1e-4
        // Pixels first: levels that were rounded the other way widen what comes after.
        let ordered = golden.tensors.sorted {
            ($0.name == "pixel_values" ? 0 : 1) < ($1.name == "pixel_values" ? 0 : 1)
        }
        for (name, wanted) in ordered {
            guard let given = trace[name] else {
                found.append("\(name): missing")
                continue
            }
            var values = wanted.values
            var shape = wanted.shape
            if name == "logits", given.shape.first == 1, shape[0] > 1 {
                values = Array(values.suffix(shape[1]))
                shape[0] = 1
            }
            guard given.type == wanted.type, given.shape == shape else {
                found.append("\(name): \(given.type)\(given.shape), not \(wanted.type)\(shape)")
                continue
            }
            let distances = zip(values, given.values).map { ($0 - $1).magnitude }
            let largest = distances.max() ?? 0
            guard given.values.allSatisfy(\.isFinite) else {
                found.append("\(name): values that are not finite")
                continue
            }
            switch name {
            case _ where exact.contains(name):
                if let index = distances.firstIndex(where: { $0 != 0 }) {
                    found.append(
                        "\(name)[\(index)]: \(given.values[index]), not \(values[index])")
                }
            case "frame_timestamps":
                if largest > 1e-6 { found.append("\(name): \(largest) s apart") }
            case "pixel_values":
                let off = distances.count { $0 > 2e-3 }
                let mean = distances.reduce(0, +) / Double(max(1, distances.count))
                if largest > 0.0152 || Double(off) > 5e-4 * Double(distances.count) || mean > 1e-5 {
                    found.append("\(name): largest \(largest), mean \(mean), \(off) off")
                }
                if largest > 2e-3 { limit = 5e-4 }
            default:
                let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let error = distances.reduce(0) { $0 + $1 * $1 }.squareRoot()
                if error > limit * max(norm, 1e-30) {
                    found.append("\(name): relative error \(error / max(norm, 1e-30))")
                }
            }
        }
        return found
    }
}
