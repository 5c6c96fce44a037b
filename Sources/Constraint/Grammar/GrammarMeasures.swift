/// How deep and how long the simplest text of each rule is.
///
/// Least fixed points: everything begins as impossible and improves until nothing changes.
struct GrammarMeasures: Sendable {
    /// Arrays and objects that nest in the flattest text of a rule; ``impossible`` without any text.
    private(set) var heights: [Int32]
    /// Bytes of the shortest text of a rule.
    private(set) var costs: [Int]

    static let impossible = Int32.max / 2
    private static let endless = Int.max / 1024

    init(
        nodes: [GrammarNode], characters: [CharacterRule], objects: [ObjectRule],
        arrays: [ArrayRule],
        distincts: [DistinctRule], targets: [NodeID], times: TimeNodes
    ) {
        heights = Array(repeating: Self.impossible, count: nodes.count)
        costs = Array(repeating: Self.endless, count: nodes.count)
        let forward = Array(nodes.indices)
        var order = Array(forward.reversed())
        var changed = true
        // Rules are made from the inside out or from the outside in; either order of going over
        // them settles long chains of one kind at once.
        while changed {
            order.reverse()
            changed = false
            for index in order {
                let (height, cost) = measure(
                    nodes[index], characters, objects, arrays, distincts, targets, times)
                if height < heights[index] || cost < costs[index] {
                    heights[index] = min(height, heights[index])
                    costs[index] = min(cost, costs[index])
                    changed = true
                }
            }
        }
    }

    func isPossible(_ node: NodeID) -> Bool { heights[Int(node)] < Self.impossible }

    /// The longest of the shortest texts of rules that have any.
    var longestCost: Int { costs.lazy.filter { $0 < Self.endless }.max() ?? 0 }

    private func measure(
        _ node: GrammarNode, _ characters: [CharacterRule], _ objects: [ObjectRule],
        _ arrays: [ArrayRule],
        _ distincts: [DistinctRule], _ targets: [NodeID], _ times: TimeNodes
    ) -> (height: Int32, cost: Int) {
        switch node {
        case .literal(let bytes): return (0, bytes.count)
        case .character(let index): return (0, characters[index].ends[0].count)
        case .sequence(let parts): return sum(parts)
        case .alternatives(let options):
            return (
                options.map { heights[Int($0)] }.min() ?? Self.impossible,
                options.map { costs[Int($0)] }.min() ?? Self.endless
            )
        case .repetition(let part, let least, _):
            guard least > 0 else { return (0, 0) }
            return (heights[Int(part)], product(costs[Int(part)], least))
        case .reference(let target):
            return (heights[Int(targets[target])], costs[Int(targets[target])])
        case .number(let rule):
            return rule.isSatisfiable
                ? (0, rule.shortestEnd(of: .start).count) : (Self.impossible, Self.endless)
        case .time(let form):
            guard let shortest = times[form].map({ costs[Int($0)] }).min() else {
                return (Self.impossible, Self.endless)
            }
            return (0, shortest)
        case .object(let index): return measure(objects[index])
        case .array(let index): return measure(arrays[index])
        case .distinct(let index):
            let rule = distincts[index]
            guard rule.least <= rule.options.count else { return (Self.impossible, Self.endless) }
            let cheapest = rule.options.map { costs[Int($0)] }.sorted()[..<rule.least]
            return (1, 2 + cheapest.reduce(0, +) + 2 * max(0, rule.least - 1))
        }
    }

    private func measure(_ rule: ObjectRule) -> (height: Int32, cost: Int) {
        let required = rule.properties.filter(\.isRequired)
        let free = rule.needsFree ? rule.free : nil
        guard required.count <= rule.most ?? .max, !rule.needsFree || free != nil else {
            return (Self.impossible, Self.endless)
        }
        let keys = required.enumerated().map {
            $0.offset == 0 ? $0.element.key : $0.element.separatedKey
        }
        var parts = keys + required.map(\.value)
        if let free { parts += [free.key, free.value] }
        return container(parts, separators: free != nil && !required.isEmpty ? 1 : 0)
    }

    private func measure(_ rule: ArrayRule) -> (height: Int32, cost: Int) {
        guard rule.least <= rule.most ?? .max else { return (Self.impossible, Self.endless) }
        var parts: [NodeID] = Array(rule.prefix.prefix(rule.least))
        let others = rule.least - parts.count
        var (height, cost) = (Int32(0), 0)
        if others > 0 {
            guard let rest = rule.rest else { return (Self.impossible, Self.endless) }
            (height, cost) = (heights[Int(rest)] + 1, product(costs[Int(rest)], others))
        }
        parts.reserveCapacity(rule.least)
        let front = container(parts, separators: max(0, rule.least - 1))
        return (
            max(front.height, min(height, Self.impossible)), min(front.cost + cost, Self.endless)
        )
    }

    private func container(
        _ parts: [NodeID], separators: Int
    ) -> (height: Int32, cost: Int) {
        let inside = sum(parts)
        guard inside.height < Self.impossible else { return (Self.impossible, Self.endless) }
        return (inside.height + 1, min(inside.cost + 2 + 2 * separators, Self.endless))
    }

    private func sum(_ parts: [NodeID]) -> (height: Int32, cost: Int) {
        var (height, cost) = (Int32(0), 0)
        for part in parts {
            height = max(height, heights[Int(part)])
            cost = min(cost + costs[Int(part)], Self.endless)
        }
        return (height, cost)
    }

    private func product(_ cost: Int, _ count: Int) -> Int {
        let (product, overflow) = cost.multipliedReportingOverflow(by: count)
        return overflow ? Self.endless : min(product, Self.endless)
    }
}
