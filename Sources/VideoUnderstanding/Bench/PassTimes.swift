import Qwen2VL

/// How long passes took, and the kinds of layers in them where a clock noted that.
package struct PassTimes: Sendable {
    /// Of a pass, run by run.
    private var seconds: [Double] = []
    private var kinds: [[LayerKind: Double]] = []

    package init() {}

    package var runs: Int { seconds.count }

    /// Adds a run.
    ///
    /// - Parameters:
    ///   - run: seconds of all of its passes.
    ///   - clock: that noted these passes and no others; nil in all runs or in none.
    package mutating func add(seconds run: Double, clock: LayerClock?, passes: Int = 1) {
        seconds.append(run / Double(passes))
        if let clock { kinds.append(clock.spent.mapValues { $0.seconds / Double(passes) }) }
    }

    /// Seconds of a pass in the middle run.
    package var median: Double { Self.middle(seconds) }

    /// Seconds of each kind in a pass, each the median of the runs, and those of no kind; nil where
    /// nothing was noted.
    package var layers: (kinds: [LayerKind: Double], other: Double)? {
        guard !kinds.isEmpty, kinds.count == seconds.count else { return nil }
        var medians: [LayerKind: Double] = [:]
        for kind in LayerKind.allCases where kinds.contains(where: { $0[kind] != nil }) {
            medians[kind] = Self.middle(kinds.map { $0[kind] ?? 0 })
        }
        let rest = zip(seconds, kinds).map { whole, kinds in
            max(0, whole - kinds.values.reduce(0, +))
        }
        return (medians, Self.middle(rest))
    }

    package static func middle(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}
