internal import CKernels

/// Kernels that treat each row, or each number, by itself.
extension ThreadPool {
    /// Layer norm of each row; the variance is the biased one.
    package func layerNorm(
        _ x: borrowing FloatBuffer, rows: Int, weight: [Float], bias: [Float], epsilon: Float,
        into out: inout FloatBuffer
    ) {
        precondition(weight.count == bias.count, "norm of \(weight.count) and \(bias.count)")
        rs_layer_norm(
            pool, x.start(0..<rows * weight.count), rows, weight.count, weight, bias, epsilon,
            out.start(0..<rows * weight.count))
    }

    /// RMS norm of each row, from row `first` of `x` on.
    package func rmsNorm(
        _ x: borrowing FloatBuffer, from first: Int = 0, rows: Int, weight: [Float],
        epsilon: Float, into out: inout FloatBuffer
    ) {
        let width = weight.count
        rs_rms_norm(
            pool, x.start(first * width..<(first + rows) * width), rows, width, weight, epsilon,
            out.start(0..<rows * width))
    }

    /// `z · σ(1.702 z)` of the first `count` numbers.
    package func quickGELU(_ x: inout FloatBuffer, count: Int) {
        rs_quick_gelu(pool, x.start(0..<count), count)
    }

    /// `z/2 · (1 + erf(z/√2))` of the first `count` numbers.
    package func gelu(_ x: inout FloatBuffer, count: Int) {
        rs_gelu(pool, x.start(0..<count), count)
    }

    /// `gate · σ(gate) · up` of the first `count` numbers, into `gate`.
    package func multiplySiLU(_ gate: inout FloatBuffer, by up: borrowing FloatBuffer, count: Int) {
        rs_silu_multiply(pool, gate.start(0..<count), up.start(0..<count), count)
    }

    /// Rotates channel pairs (m, m + headSize/2) of the first `heads` heads of each row.
    ///
    /// - Parameters:
    ///   - rowWidth: numbers of a whole row.
    ///   - cosines, sines: `[rows, headSize/2]`.
    package func rotate(
        _ x: inout FloatBuffer, rows: Int, rowWidth: Int, heads: Int, headSize: Int,
        cosines: borrowing FloatBuffer, sines: borrowing FloatBuffer
    ) {
        precondition(headSize % 2 == 0 && heads * headSize <= rowWidth, "head of \(headSize)")
        let table = 0..<rows * (headSize / 2)
        rs_rotate(
            pool, x.start(0..<rows * rowWidth), rows, rowWidth, heads, headSize,
            cosines.start(table), sines.start(table))
    }
}
