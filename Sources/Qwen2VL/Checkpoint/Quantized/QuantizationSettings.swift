import OrderedJSON

/// What `quantization_config` says of the matrices of the language model.
///
/// Source: spec appendix B; our own in `Documentation/Models.md`.
package struct QuantizationSettings: Sendable, Equatable {
    enum Method: Sendable, Equatable {
        case awq
        /// - Parameter zeroOffset: what is added to stored zero points.
        case gptq(bits: Int, zeroOffset: Int)
        /// Groups as our kernels read them.
        case own
    }

    var method: Method
    /// Columns of a group; nil: all columns of a row.
    var groupSize: Int?

    /// The only version of our own layout so far.
    package static let ownVersion = 1
    package static let ownMethod = "reelscribe"

    /// Reads the object; refuses whatever would mean other arithmetic.
    static func read(
        _ scope: ConfigurationReader.Scope, reader: inout ConfigurationReader
    ) -> QuantizationSettings? {
        func text(_ key: String) -> String? { scope.value(key)?.string?.lowercased() }
        switch text("quant_method") {
        case "awq":
            reader.requireOne(of: [4], "bits", "w_bit", in: scope)
            reader.requireOne(of: [true], "zero_point", in: scope)
            if let version = text("version"), version != "gemm" {
                reader.refuse(scope, "version", supported: "\"gemm\"")
            }
            return QuantizationSettings(
                method: .awq, groupSize: groupSize("group_size", "q_group_size", scope, &reader))
        case "gptq":
            reader.requireOne(of: [4, 8], "bits", in: scope)
            reader.require("lm_head", in: scope, only: false)
            if let dynamic = scope.value("dynamic")?.object, !dynamic.members.isEmpty {
                reader.refuse(scope, "dynamic", supported: "one setting for all layers")
            }
            let format = text("checkpoint_format") ?? "gptq"
            if format != "gptq", format != "gptq_v2" {
                reader.refuse(scope, "checkpoint_format", supported: "\"gptq\" or \"gptq_v2\"")
            }
            let bits = scope.value("bits")?.int == 8 ? 8 : 4
            return QuantizationSettings(
                method: .gptq(bits: bits, zeroOffset: format == "gptq" ? 1 : 0),
                groupSize: groupSize("group_size", "group_size", scope, &reader))
        case ownMethod:
            reader.requireOne(of: [.int(ownVersion)], "version", in: scope)
            return QuantizationSettings(method: .own)
        case let other:
            reader.refuse(.quantized(method: other ?? "an unnamed method"))
            return nil
        }
    }

    private static func groupSize(
        _ key: String, _ other: String, _ scope: ConfigurationReader.Scope,
        _ reader: inout ConfigurationReader
    ) -> Int? {
        let size = reader.integer(key, other, in: scope, range: -1...65536, absent: .fault)
        if size == 0 {
            reader.report(
                scope.name(key), .outOfRange(value: "0", allowed: "a number of columns, or -1"))
        }
        return size > 0 ? size : nil
    }
}

extension ConfigurationReader {
    /// Refuses a setting that is missing or has none of the values.
    mutating func requireOne(of allowed: [JSON], _ keys: String..., in scope: Scope) {
        let key = keys.first { scope.value($0) != nil } ?? keys[0]
        guard let value = scope.value(key) else {
            report(scope.name(key), .missing)
            return
        }
        guard !allowed.contains(value) else { return }
        refuse(scope, key, supported: allowed.map(\.compact).joined(separator: " or "))
    }

    mutating func refuse(_ scope: Scope, _ key: String, supported: String) {
        refuse(
            .setting(
                file: file, key: scope.name(key), value: scope.value(key)?.compact ?? "missing",
                supported: supported))
    }
}
