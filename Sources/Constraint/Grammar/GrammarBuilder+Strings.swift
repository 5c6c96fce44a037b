/// Characters inside JSON strings, as bytes.
extension GrammarBuilder {
    /// What is written as it is: no control characters, no surrogates, neither quote nor backslash.
    private static let plain: [ClosedRange<UInt32>] = [
        0x20...0x21, 0x23...0x5B, 0x5D...0x7E, 0xA0...0xD7FF, 0xE000...0x10FFFF,
    ]

    /// Short escapes by what they stand for.
    private static let escapes: [(scalar: UInt32, letter: UInt8)] = [
        (0x22, UInt8(ascii: "\"")), (0x5C, UInt8(ascii: "\\")), (0x08, UInt8(ascii: "b")),
        (0x0C, UInt8(ascii: "f")), (0x0A, UInt8(ascii: "n")), (0x0D, UInt8(ascii: "r")),
        (0x09, UInt8(ascii: "t")),
    ]

    /// Any character in any of its spellings, but for NUL: half of the world's databases have no
    /// place for it. Escaped surrogates come in pairs.
    mutating func anyCharacter() -> NodeID {
        character(Self.anySpellings, as: Self.anyRule)
    }

    // Nearly every schema has strings, and tables take their time.
    private static let anyRule = CharacterRule(anySpellings)
    private static let plainSpellings = plain.flatMap { utf8($0) }
    private static let plainRule = CharacterRule(plainSpellings)

    private static let anySpellings: [[ByteSet]] = {
        func hex(_ ranges: ClosedRange<UInt8>...) -> ByteSet {
            var set = ByteSet()
            for digit in ranges.joined() {
                let text = String(digit, radix: 16)
                for byte in Array(text.utf8) + Array(text.uppercased().utf8) {
                    set.insert(byte...byte)
                }
            }
            return set
        }
        let start = sets(of: "\\u")
        let (any, notZero, zero) = (hex(0...15), hex(1...15), hex(0...0))
        let surrogate = hex(13...13)
        let escaped: [[ByteSet]] = [
            sets(of: "\\") + [letters(of: "\"\\/bfnrt")],
            start + [hex(1...12, 14...15), any, any, any],
            start + [surrogate, hex(0...7), any, any],
            start + [zero, notZero, any, any], start + [zero, zero, notZero, any],
            start + [zero, zero, zero, notZero],
            start + [surrogate, hex(8...11), any, any]
                + start + [surrogate, hex(12...15), any, any],
        ]
        return escaped + plain.flatMap { utf8($0) }
    }()

    /// A character that needs no escape, as names of free members have.
    mutating func plainCharacter(except excluded: Set<UInt32> = []) -> NodeID {
        guard !excluded.isEmpty else {
            return character(Self.plainSpellings, as: Self.plainRule)
        }
        let others = ScalarSet(ranges: excluded.map { $0...$0 }).inverted
        return character(
            Self.plain.flatMap { Self.part(of: others, in: $0) }.flatMap { Self.utf8($0) })
    }

    /// A character of a set, in one spelling.
    ///
    /// Sets that were written as everything but something are taken without control characters,
    /// and those whose border depends on the language without what lies beyond ASCII; a byte order
    /// mark is space to some languages and not to others.
    mutating func character(of set: ScalarSet) -> NodeID {
        var ranges = Self.plain.flatMap { Self.part(of: set, in: $0) }
        if set.excludesClass { ranges = ranges.filter { $0.upperBound < 0x80 } }
        ranges = ranges.flatMap {
            Self.part(of: ScalarSet.one("\u{FEFF}").inverted, in: $0)
        }
        var spellings = ranges.flatMap { Self.utf8($0) }
        for (scalar, letter) in Self.escapes where Self.contains(set, scalar) {
            guard scalar >= 0x20 || !set.isInverted else { continue }
            spellings.append(Self.sets(of: "\\") + [ByteSet(letter...letter)])
        }
        if !set.isInverted {
            for scalar in [UInt32](1...0x1F) + Array(0x7F...0x9F)
            where Self.contains(set, scalar) {
                guard !Self.escapes.contains(where: { $0.scalar == scalar }) else { continue }
                let digits = String(scalar, radix: 16)
                spellings.append(
                    Self.sets(
                        of: "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits))
            }
        }
        return character(spellings)
    }

    private static func sets(of text: String) -> [ByteSet] { text.utf8.map { ByteSet($0...$0) } }

    private static func contains(_ set: ScalarSet, _ scalar: UInt32) -> Bool {
        Unicode.Scalar(scalar).map(set.contains) ?? false
    }

    private static func letters(of text: String) -> ByteSet {
        var set = ByteSet()
        for byte in text.utf8 { set.insert(byte...byte) }
        return set
    }

    /// The parts of a set within a range, ascending and apart.
    private static func part(
        of set: ScalarSet, in range: ClosedRange<UInt32>
    ) -> [ClosedRange<UInt32>] {
        var parts: [ClosedRange<UInt32>] = []
        for covered in set.coveredRanges.sorted(by: { $0.lowerBound < $1.lowerBound })
        where covered.overlaps(range) {
            let part = covered.clamped(to: range)
            if let last = parts.last, part.lowerBound <= last.upperBound {
                parts[parts.count - 1] = last.lowerBound...max(last.upperBound, part.upperBound)
            } else {
                parts.append(part)
            }
        }
        return parts
    }

    /// The UTF-8 of a range of scalars: sequences of sets of bytes.
    private static func utf8(_ range: ClosedRange<UInt32>) -> [[ByteSet]] {
        let lengths: [(bytes: Int, limits: ClosedRange<UInt32>)] = [
            (1, 0...0x7F), (2, 0x80...0x7FF), (3, 0x800...0xFFFF), (4, 0x10000...0x10FFFF),
        ]
        return lengths.flatMap { bytes, limits -> [[ByteSet]] in
            guard limits.overlaps(range) else { return [] }
            let part = range.clamped(to: limits)
            return sequences(part.lowerBound, part.upperBound, bytes: bytes, isFirst: true)
        }
    }

    /// Sequences for all values of `bytes` bytes from `low` to `high`, 6 bits in each but the first.
    private static func sequences(
        _ low: UInt32, _ high: UInt32, bytes: Int, isFirst: Bool
    ) -> [[ByteSet]] {
        let marks: [UInt32] = [0, 0xC0, 0xE0, 0xF0]
        let mark = isFirst ? marks[bytes - 1] : 0x80
        func set(_ low: UInt32, _ high: UInt32) -> ByteSet {
            ByteSet(UInt8(mark | low)...UInt8(mark | high))
        }
        guard bytes > 1 else { return [[set(low, high)]] }
        let shift = UInt32(6 * (bytes - 1))
        let rest = UInt32(1) << shift - 1
        let (first, last) = (low >> shift, high >> shift)
        if first == last {
            return sequences(low & rest, high & rest, bytes: bytes - 1, isFirst: false)
                .map { [set(first, first)] + $0 }
        }
        var found: [[ByteSet]] = []
        var (from, to) = (first, last)
        if low & rest != 0 {
            found += sequences(low, first << shift | rest, bytes: bytes, isFirst: isFirst)
            from += 1
        }
        if high & rest != rest {
            found += sequences(last << shift, high, bytes: bytes, isFirst: isFirst)
            to -= 1
        }
        if from <= to {
            found += sequences(0, rest, bytes: bytes - 1, isFirst: false)
                .map { [set(from, to)] + $0 }
        }
        return found
    }

    /// `"name": ` of any name but the excluded ones: no escapes, so that none has a second spelling.
    mutating func freeKey(except names: [String]) -> NodeID {
        let end = literal("\": ")
        let tail = sequence([
            add(.repetition(plainCharacter(), least: 0, most: Self.longestFreeName)), end,
        ])
        let sorted = names.map { Array($0.unicodeScalars.map(\.value)) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        return sequence([
            literal("\""), others(than: sorted[...], from: 0, end: end, tail: tail),
        ])
    }

    /// Characters of a name that nobody declared, behind what it shares with declared ones.
    private static let longestFreeName = 48

    /// - Parameter names: sorted, equal up to `start`.
    private mutating func others(
        than names: ArraySlice<[UInt32]>, from start: Int, end: NodeID, tail: NodeID
    ) -> NodeID {
        var rest = names
        var isName = false
        while let first = rest.first, first.count == start {
            isName = true
            rest.removeFirst()
        }
        // A name without characters helps nobody.
        var options: [NodeID] = isName || start == 0 ? [] : [end]
        guard start < Self.longestFreeName else { return alternatives(options) }
        var taken: Set<UInt32> = []
        while let first = rest.first {
            let scalar = first[start]
            let next = rest.firstIndex { $0[start] != scalar } ?? rest.endIndex
            if Self.plain.contains(where: { $0.contains(scalar) }) {
                let deeper = others(
                    than: rest[rest.startIndex..<next], from: start + 1, end: end, tail: tail)
                options.append(sequence([character(Self.utf8(scalar...scalar)), deeper]))
            }
            taken.insert(scalar)
            rest = rest[next...]
        }
        options.append(sequence([plainCharacter(except: taken), tail]))
        return alternatives(options)
    }
}
