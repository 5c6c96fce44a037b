import Compute

/// Finds the tensors that a required weight is stored in, and checks them against each other.
struct WeightResolver {
    let tensors: [String: StoredTensor]
    let settings: QuantizationSettings?
    /// Where a missing tensor is missing.
    let place: String
    private(set) var faults: [Fault] = []
    /// Names of the tensors that were taken.
    private(set) var used: Set<String> = []

    init(tensors: [String: StoredTensor], settings: QuantizationSettings?, place: String) {
        self.tensors = tensors
        self.settings = settings
        self.place = place
    }

    /// The weight, or nil with at least one fault.
    mutating func weight(_ need: TensorRequirement) -> StoredWeight? {
        switch settings?.method {
        case .own where need.shape.count == 2:
            if let tensor = tensors[need.name], tensor.scalar == "U8" {
                return packed(tensor, need)
            }
        case .awq where isLinear(need):
            return levels(need, .awq)
        case .gptq(let bits, let offset) where isLinear(need):
            return levels(need, .gptq(bits: bits, offset: offset))
        default: break
        }
        return plain(need)
    }

    private mutating func report(_ tensor: StoredTensor, _ problem: Fault.Problem) {
        faults.append(Fault(tensor.fileName, tensor.name, problem))
    }

    /// A weight without a plain tensor of its own is one in levels.
    private func isLinear(_ need: TensorRequirement) -> Bool {
        need.shape.count == 2 && need.name.hasPrefix("model.layers.") && tensors[need.name] == nil
    }

    private mutating func plain(_ need: TensorRequirement) -> StoredWeight? {
        guard let tensor = tensors[need.name] else {
            faults.append(Fault(place, need.name, .missing))
            return nil
        }
        used.insert(need.name)
        guard tensor.shape == need.shape else {
            report(tensor, .wrongShape(found: tensor.shape, expected: need.shape))
            return nil
        }
        guard let type = tensor.type else {
            report(tensor, .wrongScalarType(found: tensor.scalar))
            return nil
        }
        return .numbers(tensor, type)
    }

    // MARK: - Our own

    /// `[blocks of rows, groups of columns, bytes of a block]`; the last tells the format.
    private mutating func packed(
        _ tensor: StoredTensor, _ need: TensorRequirement
    ) -> StoredWeight? {
        used.insert(need.name)
        let (rows, columns) = (need.shape[0], need.shape[1])
        for format in [WeightFormat.int8, .int4]
        where tensor.shape == format.packedShape(rows: rows, columns: columns) {
            return .packed(tensor, format, rows: rows, columns: columns)
        }
        report(
            tensor,
            .wrongShape(
                found: tensor.shape,
                expected: WeightFormat.int8.packedShape(rows: rows, columns: columns)))
        return nil
    }

    /// The head of a model whose head is tied, where it is stored by itself in groups.
    mutating func ownHead(_ text: TextConfiguration) -> StoredWeight? {
        let name = "lm_head.weight"
        guard settings?.method == .own, text.tieWordEmbeddings, let tensor = tensors[name],
            tensor.scalar == "U8"
        else { return nil }
        return packed(
            tensor, TensorRequirement(name: name, shape: [text.vocabulary, text.hidden]))
    }

    // MARK: - AWQ and GPTQ

    private mutating func levels(
        _ need: TensorRequirement, _ packing: LevelMatrix.Packing
    ) -> StoredWeight? {
        let base = String(need.name.dropLast("weight".count))
        let (rows, columns) = (need.shape[0], need.shape[1])
        let group = settings?.groupSize ?? columns
        let bits = if case .gptq(let bits, _) = packing { bits } else { 4 }
        let perWord = 32 / bits
        let groups = (columns + group - 1) / group
        guard rows % perWord == 0, columns % perWord == 0, packing != .awq || columns % group == 0
        else {
            faults.append(
                Fault(
                    place, base + "qweight",
                    .outOfRange(
                        value: "[\(rows), \(columns)]",
                        allowed: "sizes that words of \(perWord) and groups of \(group) divide")))
            return nil
        }
        let shape =
            packing == .awq ? [columns, rows / perWord] : [columns / perWord, rows]
        let found = faults.count
        let words = part(base + "qweight", "I32", shape)
        let zeros = part(base + "qzeros", "I32", [groups, rows / perWord])
        let scales = part(base + "scales", "F16", [groups, rows])
        var order: [Int32]?
        if packing != .awq, tensors[base + "g_idx"] != nil {
            order = columnGroups(base + "g_idx", columns: columns, group: group, groups: groups)
        }
        checkBias(base + "bias", rows: rows, need: need)
        guard let words, let zeros, let scales, faults.count == found else { return nil }
        return .levels(
            LevelMatrix(
                packing: packing, rows: rows, columns: columns, groupSize: group, levels: words,
                zeros: zeros, scales: scales, groups: order,
                zeroPoints: LevelMatrix.zeroPoints(zeros, packing)))
    }

    private mutating func part(
        _ name: String, _ scalar: String, _ shape: [Int]
    ) -> StoredTensor? {
        guard let tensor = tensors[name] else {
            faults.append(Fault(place, name, .missing))
            return nil
        }
        used.insert(name)
        guard tensor.shape == shape else {
            report(tensor, .wrongShape(found: tensor.shape, expected: shape))
            return nil
        }
        guard tensor.scalar == scalar else {
            report(tensor, .wrongPacking(found: tensor.scalar, expected: scalar))
            return nil
        }
        return tensor
    }

    /// The group of each column, or nil where they are consecutive; each group has its size.
    private mutating func columnGroups(
        _ name: String, columns: Int, group: Int, groups: Int
    ) -> [Int32]? {
        guard let tensor = part(name, "I32", [columns]) else { return nil }
        let order = (0..<columns).map {
            Int32(
                littleEndian: tensor.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
        }
        var sizes = [Int](repeating: 0, count: groups)
        for index in order {
            guard index >= 0, Int(index) < groups else {
                report(
                    tensor,
                    .outOfRange(value: "group \(index)", allowed: "one of \(groups) groups"))
                return nil
            }
            sizes[Int(index)] += 1
        }
        let last = columns - (groups - 1) * group
        guard sizes.dropLast().allSatisfy({ $0 == group }), sizes.last == last else {
            report(
                tensor,
                .outOfRange(
                    value: "\(sizes.max() ?? 0) columns in a group",
                    allowed: "what groups of \(group) among \(columns) columns can be"))
            return nil
        }
        let isConsecutive = order.enumerated().allSatisfy { Int($1) == $0 / group }
        return isConsecutive ? nil : order
    }

    /// Quantizers write biases for layers that have none; they must say nothing.
    private mutating func checkBias(_ name: String, rows: Int, need: TensorRequirement) {
        let hasBias = ["q_proj", "k_proj", "v_proj"].contains { need.name.contains($0) }
        guard !hasBias, let tensor = tensors[name] else { return }
        used.insert(name)
        if tensor.bytes.contains(where: { $0 != 0 }) {
            report(tensor, .outOfRange(value: "a bias", allowed: "zero, as this layer has none"))
        }
    }
}

extension WeightFormat {
    /// The shape of a packed matrix as bytes: blocks of rows, groups of columns, bytes of a block.
    package func packedShape(rows: Int, columns: Int) -> [Int] {
        let (height, width) = (Self.packedRows, Self.packedColumns)
        return [
            (rows + height - 1) / height, (columns + width - 1) / width,
            byteCount(rows: height, columns: width),
        ]
    }
}
