import OrderedJSON

/// Lays tensors out as a safetensors file.
package enum SafetensorsWriter {
    /// The length word and the header, padded with spaces so that the data begins on 8 bytes.
    package static func header(of tensors: [TraceTensor], metadata: [(String, String)]) -> [UInt8] {
        var members: [JSONObject.Member] = []
        if !metadata.isEmpty {
            let values = metadata.map { JSONObject.Member(key: $0.0, value: .string($0.1)) }
            members.append(.init(key: "__metadata__", value: .object(JSONObject(values))))
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.byteCount
            members.append(
                .init(
                    key: tensor.name,
                    value: [
                        "dtype": .string(tensor.values.name),
                        "shape": .array(tensor.shape.map { .int($0) }),
                        "data_offsets": [.int(offset), .int(end)],
                    ]))
            offset = end
        }
        var json = Array(JSON.object(JSONObject(members)).compact.utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        var length = UInt64(json.count).littleEndian
        return withUnsafeBytes(of: &length) { Array($0) } + json
    }

    /// Writes header and data piece by piece, so that nothing is held twice.
    ///
    /// Tensors of wider types come first, which keeps every tensor aligned.
    package static func write<Failure: Error>(
        _ tensors: [TraceTensor], metadata: [(String, String)] = [],
        to sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let ordered = tensors.sorted { ($0.values.size, $1.name) > ($1.values.size, $0.name) }
        let header = header(of: ordered, metadata: metadata)
        try header.withUnsafeBufferPointer { bytes throws(Failure) in
            try sink(UnsafeRawBufferPointer(bytes))
        }
        for tensor in ordered { try tensor.withBytes(sink) }
    }
}
