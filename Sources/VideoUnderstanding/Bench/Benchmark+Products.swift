import Compute
import Qwen2VL

extension Benchmark {
    /// Each shape of product that a model has for many rows, by turns with OpenBLAS's SGEMM of the
    /// same shape: their ratio holds even where the machine is busy with other things.
    ///
    /// Rows are the patches of a pair in the vision tower, and those of a chunk of a prompt in the
    /// language model. SGEMM multiplies numbers of 32 bits, whatever the weights are stored in.
    mutating func measureProducts(_ model: Model) throws {
        let products = products(of: model)
        let shapes = products.map(\.shape)
        guard let most = shapes.map({ $0.rows * $0.columns }).max(),
            let outputs = shapes.map({ $0.rows * $0.outputs }).max()
        else { return }
        var x = try FloatBuffer(count: most)
        (0..<most).map { Float($0 % 251) / 125 - 1 }.withUnsafeBufferPointer { x.write($0, at: 0) }
        var y = try FloatBuffer(count: outputs)
        var ours = Array(repeating: [Double](), count: shapes.count)
        var theirs = ours
        for _ in 0..<max(1, options.repeats) {
            try Task.checkCancellation()
            let rates = MatrixYardstick.measure(shapes, threads: options.threads, repeats: 2).flops
            for (index, product) in products.enumerated() {
                // The better of two, as of the other side: the first one finds cold caches.
                let seconds = (0..<2).map { _ in
                    let start = ContinuousClock.now
                    pool.linear(
                        x, rows: product.shape.rows, product.matrix.weight,
                        bias: product.matrix.bias, into: &y)
                    return (ContinuousClock.now - start).seconds
                }
                ours[index].append(product.shape.operations / min(seconds[0], seconds[1]))
                theirs[index].append(rates[index])
            }
        }
        for (index, shape) in shapes.enumerated() {
            add("sgemm_\(shape)", PassTimes.middle(theirs[index]) / 1e9, "GFLOP/s")
            add(
                "product_\(shape)", PassTimes.middle(ours[index]) / 1e9, "GFLOP/s",
                share: PassTimes.middle(zip(ours[index], theirs[index]).map { $0 / $1 }),
                of: "sgemm_\(shape)")
        }
    }

    /// One matrix of each shape.
    private func products(of model: Model) -> [(shape: MatrixShape, matrix: LinearWeights)] {
        let patches = pairGrid(model.configuration.vision).patches
        let merge = model.configuration.vision.mergeSize
        let vision = LayerKind.allCases.flatMap { kind in
            model.visionLayers(kind).map {
                (rows: kind == .merger ? patches / (merge * merge) : patches, matrix: $0)
            }
        }
        // The head multiplies one row.
        let language = LayerKind.allCases.filter { $0 != .head }.flatMap { kind in
            model.languageLayers(kind).map { (rows: Session.chunk, matrix: $0) }
        }
        var seen: Set<MatrixShape> = []
        return (vision + language).compactMap { rows, matrix in
            let shape = MatrixShape(
                rows: rows, columns: matrix.weight.columns, outputs: matrix.weight.rows)
            return seen.insert(shape).inserted ? (shape, matrix) : nil
        }
    }
}
