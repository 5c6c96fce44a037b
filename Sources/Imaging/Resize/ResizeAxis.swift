internal import CKernels

/// Which input samples each output sample of one axis is a sum of, and their weights: antialiased
/// bicubic interpolation with a = −1/2, taps outside the picture dropped and the rest renormalised.
///
/// Operations are ordered and rounded to 32 bits as the reference does it, so that resized pixels
/// are equal to the bit.
///
/// - Source: spec 2.6; the order is that of the reference implementation's compiled resampler.
package struct ResizeAxis: Sendable {
    package let input: Int
    package let output: Int
    /// Weights kept for each output sample.
    private let stride: Int
    /// `[output]`; empty where the axis keeps its length.
    private let windows: [rs_resize_window]
    /// `[output, stride]`; zero beyond a window's count.
    private let weights: [Float]

    /// - Precondition: lengths from 1 to 2^20, where the positions of samples are exact.
    package init(from input: Int, to output: Int) {
        let lengths = 1...PictureLimit.sourceSide
        precondition(
            lengths.contains(input) && lengths.contains(output), "axis of \(input) to \(output)")
        self.input = input
        self.output = output
        guard input != output else {
            (stride, windows, weights) = (0, [], [])
            return
        }
        let scale = Float(input) / Float(output)
        let support: Float = scale >= 1 ? 2 * scale : 2
        let inverse: Float = scale >= 1 ? 1 / scale : 1
        let stride = Int(support.rounded(.up)) * 2 + 1
        var windows: [rs_resize_window] = []
        var weights = [Float](repeating: 0, count: output * stride)
        windows.reserveCapacity(output)
        for i in 0..<output {
            let center = scale * (Float(i) + 0.5)
            // The reference's halves are doubles, so each expression with one is rounded once.
            let first = max(Int(Double(center - support) + 0.5), 0)
            let end = min(Int(Double(center + support) + 0.5), input)
            let count = min(end - first, stride)
            let row = i * stride
            var total: Float = 0
            for j in 0..<count {
                let offset = (Double(Float(first + j) - center) + 0.5) * Double(inverse)
                let weight = Self.kernel(Float(offset))
                weights[row + j] = weight
                total += weight
            }
            for j in 0..<count { weights[row + j] /= total }
            windows.append(rs_resize_window(first: Int32(first), count: Int32(count)))
        }
        self.stride = stride
        self.windows = windows
        self.weights = weights
    }

    /// The cubic kernel, with products and sums fused where the reference fuses them.
    private static func kernel(_ offset: Float) -> Float {
        let x = offset.magnitude
        if x < 1 {
            let inner = Float(-2.5).addingProduct(1.5, x)
            return Float(1).addingProduct(inner * x, x)
        }
        if x < 2 {
            let inner = Float(-4).addingProduct(Float(2.5).addingProduct(-0.5, x), x)
            return Float(2).addingProduct(inner, x)
        }
        return 0
    }

    /// Lends the axis to a kernel for the time of the call.
    func withKernelAxis<Result>(_ body: (rs_resize_axis) -> Result) -> Result {
        windows.withUnsafeBufferPointer { windows in
            weights.withUnsafeBufferPointer { weights in
                body(
                    rs_resize_axis(
                        input: input, output: output, stride: stride,
                        windows: windows.baseAddress, weights: weights.baseAddress))
            }
        }
    }
}
