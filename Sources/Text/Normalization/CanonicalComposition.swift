/// Unicode normalisation form C, with the tables of the reference tokenizer.
///
/// The Swift library normalises by a newer Unicode version than the reference does, and the
/// difference would change token ids; hence tables of our own.
package enum CanonicalComposition {
    /// UTF-8 of the form C of a text.
    ///
    /// - Parameter text: valid UTF-8.
    /// - Complexity: linear, but for runs of combining marks, which are sorted.
    package static func normalized(_ text: [UInt8]) -> [UInt8] {
        guard let first = firstUnstable(in: text, from: 0) else { return text }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var copied = 0
        var unstable: Range<Int>? = first
        while let current = unstable {
            // The starter in front can take part in a composition; everything before it cannot.
            let start = max(copied, startOfScalar(before: current.lowerBound, in: text))
            output.append(contentsOf: text[copied..<start])
            var scalars: [UInt32] = []
            var position = start
            while position < text.count {
                let scalar = text.scalar(at: position)
                if position >= current.upperBound, !isUnstable(scalar.value) { break }
                scalars.append(scalar.value)
                position = scalar.end
            }
            for scalar in composed(decomposed(scalars)) { output.append(scalar: scalar) }
            copied = position
            unstable = firstUnstable(in: text, from: position)
        }
        output.append(contentsOf: text[copied...])
        return output
    }

    /// The first character at or after `start` that may change or change others.
    private static func firstUnstable(in text: [UInt8], from start: Int) -> Range<Int>? {
        var position = start
        while position < text.count {
            // No unstable character lies below U+0300, whose first byte is 0xCC.
            if text[position] < 0xCC {
                position += 1
                continue
            }
            let scalar = text.scalar(at: position)
            if isUnstable(scalar.value) { return position..<scalar.end }
            position = scalar.end
        }
        return nil
    }

    private static func startOfScalar(before position: Int, in text: [UInt8]) -> Int {
        guard position > 0 else { return 0 }
        var start = position - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    // MARK: - Decomposition

    /// Fully decomposed, with runs of combining marks in canonical order.
    private static func decomposed(_ scalars: [UInt32]) -> [UInt32] {
        var output: [UInt32] = []
        output.reserveCapacity(scalars.count * 2)
        for scalar in scalars { decompose(scalar, into: &output) }
        var index = 0
        while index < output.count {
            guard combiningClass(of: output[index]) != 0 else {
                index += 1
                continue
            }
            var end = index + 1
            while end < output.count, combiningClass(of: output[end]) != 0 { end += 1 }
            // The order of marks of one class carries meaning: the sort must be stable, as
            // the library's is documented to be.
            output[index..<end].sort { combiningClass(of: $0) < combiningClass(of: $1) }
            index = end
        }
        return output
    }

    private static func decompose(_ scalar: UInt32, into output: inout [UInt32]) {
        if let syllable = Hangul.decomposition(of: scalar) {
            output.append(contentsOf: syllable)
        } else if let parts = tables.decompositions[scalar] {
            decompose(parts.first, into: &output)
            if let second = parts.second { decompose(second, into: &output) }
        } else {
            output.append(scalar)
        }
    }

    // MARK: - Composition

    private static func composed(_ scalars: [UInt32]) -> [UInt32] {
        var output: [UInt32] = []
        output.reserveCapacity(scalars.count)
        var starter: Int?
        // The class of the last mark kept since the starter; nil while nothing stands between.
        var blocking: UInt8?
        for scalar in scalars {
            let combining = combiningClass(of: scalar)
            if let starter, blocking.map({ $0 < combining }) ?? true,
                let composite = composition(of: output[starter], scalar)
            {
                output[starter] = composite
                continue
            }
            if combining == 0 {
                starter = output.count
                blocking = nil
            } else {
                blocking = combining
            }
            output.append(scalar)
        }
        return output
    }

    private static func composition(of first: UInt32, _ second: UInt32) -> UInt32? {
        Hangul.composition(of: first, second)
            ?? tables.compositions[UInt64(first) << 32 | UInt64(second)]
    }

    // MARK: - Tables

    private struct Parts {
        let first: UInt32
        let second: UInt32?
    }

    private struct Tables {
        var combiningClasses: [UInt8] = []
        var unstable: [Bool] = []
        var decompositions: [UInt32: Parts] = [:]
        var compositions: [UInt64: UInt32] = [:]

        init() {
            var combiningClass: UInt8 = 0
            for run in NormalizationTable.combiningRuns {
                let count = Int(run >> 8) - combiningClasses.count
                combiningClasses.append(contentsOf: repeatElement(combiningClass, count: count))
                combiningClass = UInt8(run & 0xFF)
            }
            var isUnstable = false
            for run in NormalizationTable.unstableRuns {
                let count = Int(run >> 1) - unstable.count
                unstable.append(contentsOf: repeatElement(isUnstable, count: count))
                isUnstable = run & 1 == 1
            }
            let entries = NormalizationTable.decompositions
            for index in stride(from: 0, to: entries.count, by: 3) {
                let whole = entries[index] >> 1
                let first = entries[index + 1]
                let second = entries[index + 2]
                decompositions[whole] = Parts(first: first, second: second == 0 ? nil : second)
                if entries[index] & 1 == 1 {
                    compositions[UInt64(first) << 32 | UInt64(second)] = whole
                }
            }
        }
    }

    private static let tables = Tables()

    private static func isUnstable(_ scalar: UInt32) -> Bool {
        let unstable = tables.unstable
        return Int(scalar) < unstable.count && unstable[Int(scalar)]
    }

    private static func combiningClass(of scalar: UInt32) -> UInt8 {
        let classes = tables.combiningClasses
        return Int(scalar) < classes.count ? classes[Int(scalar)] : 0
    }
}

/// Syllables of Hangul, which compose by arithmetic.
///
/// - Source: the Unicode Standard, section 3.12.
private enum Hangul {
    static let syllables: UInt32 = 0xAC00
    static let leading: UInt32 = 0x1100
    static let vowel: UInt32 = 0x1161
    /// One before the first trailing consonant: index 0 stands for none.
    static let trailing: UInt32 = 0x11A7
    static let leadingCount: UInt32 = 19
    static let vowelCount: UInt32 = 21
    static let trailingCount: UInt32 = 28
    static let syllableCount = leadingCount * vowelCount * trailingCount

    static func decomposition(of scalar: UInt32) -> [UInt32]? {
        guard scalar >= syllables, scalar < syllables + syllableCount else { return nil }
        let index = scalar - syllables
        let parts = [
            leading + index / (vowelCount * trailingCount),
            vowel + index / trailingCount % vowelCount,
        ]
        let tail = index % trailingCount
        return tail == 0 ? parts : parts + [trailing + tail]
    }

    static func composition(of first: UInt32, _ second: UInt32) -> UInt32? {
        if first >= leading, first < leading + leadingCount,
            second >= vowel, second < vowel + vowelCount
        {
            return syllables
                + ((first - leading) * vowelCount + (second - vowel)) * trailingCount
        }
        if first >= syllables, first < syllables + syllableCount,
            (first - syllables) % trailingCount == 0,
            second > trailing, second < trailing + trailingCount
        {
            return first + (second - trailing)
        }
        return nil
    }
}
