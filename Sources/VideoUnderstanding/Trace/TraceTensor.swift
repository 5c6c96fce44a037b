/// One tensor of a trace file.
///
/// Source: contract of the trace; the container is safetensors.
package struct TraceTensor: Sendable {
    /// The numbers, in the type that the file gives them.
    package enum Values: Sendable {
        case f32([Float])
        case f64([Double])
        case i64([Int])
        case u8([UInt8])

        var name: String {
            switch self {
            case .f32: "F32"
            case .f64: "F64"
            case .i64: "I64"
            case .u8: "U8"
            }
        }

        var count: Int {
            switch self {
            case .f32(let values): values.count
            case .f64(let values): values.count
            case .i64(let values): values.count
            case .u8(let values): values.count
            }
        }

        var size: Int {
            switch self {
            case .f32: 4
            case .f64, .i64: 8
            case .u8: 1
            }
        }
    }

    package let name: String
    package let shape: [Int]
    package let values: Values

    /// - Precondition: the shape holds exactly the values.
    package init(_ name: String, shape: [Int], _ values: Values) {
        precondition(
            shape.reduce(1, *) == values.count,
            "\(values.count) values for shape \(shape) of \(name)")
        self.name = name
        self.shape = shape
        self.values = values
    }

    package var byteCount: Int { values.count * values.size }

    /// Gives the bytes in little-endian order, as the format asks and our machines have them.
    package func withBytes<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        switch values {
        case .f32(let values): try give(values, body)
        case .f64(let values): try give(values, body)
        case .i64(let values): try give(values, body)
        case .u8(let values): try give(values, body)
        }
    }

    private func give<Element, Failure: Error>(
        _ values: [Element], _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try values.withUnsafeBufferPointer { pointer throws(Failure) in
            try body(UnsafeRawBufferPointer(pointer))
        }
    }
}
