import Compute

extension ThreadPool {
    /// ``linear(_:from:rows:_:bias:into:at:adding:use:)`` with the weight and the bias of a layer.
    func apply(
        _ layer: LinearWeights, to x: borrowing FloatBuffer, from first: Int = 0, rows: Int,
        into y: inout FloatBuffer, at target: Int = 0, adding: Bool = false,
        use: LinearUse = .manyRows
    ) {
        linear(
            x, from: first, rows: rows, layer.weight, bias: layer.bias, into: &y, at: target,
            adding: adding, use: use)
    }
}
