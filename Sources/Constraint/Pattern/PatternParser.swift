/// A regular expression as a tree.
package indirect enum PatternNode {
    case set(ScalarSet)
    case start, end
    case boundary(Bool)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    /// - most: nil where there is no bound.
    case repeated(PatternNode, least: Int, most: Int?)
}

/// Reads the subset of regular expressions of ECMA-262 that schemas use.
package struct PatternParser {
    private static let maximumRepeats = 1000
    private static let maximumDepth = 64

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    package init(_ text: String) { scalars = Array(text.unicodeScalars) }

    package mutating func whole() throws(PatternFault) -> PatternNode {
        let node = try alternatives()
        guard position == scalars.count else { throw fault("')' without '('") }
        return node
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private func fault(_ reason: String, at offset: Int? = nil) -> PatternFault {
        PatternFault(reason: reason, offset: offset ?? position)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    private mutating func alternatives() throws(PatternFault) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw fault("groups nested too deep") }
        var options = [try sequence()]
        while take("|") { options.append(try sequence()) }
        return options.count == 1 ? options[0] : .alternatives(options)
    }

    private mutating func sequence() throws(PatternFault) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let (part, canRepeat) = try atom()
            parts.append(canRepeat ? try quantified(part) : part)
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func atom() throws(PatternFault) -> (PatternNode, canRepeat: Bool) {
        let start = position
        guard let scalar = next else { throw fault("the pattern ends too early") }
        position += 1
        switch scalar {
        case "^": return (.start, false)
        case "$": return (.end, false)
        case ".": return (.set(ScalarSet.lineEnd.inverted), true)
        case "[": return (.set(try bracketed(from: start)), true)
        case "(":
            if take("?"), !take(":") {
                throw fault("look-around and named groups are not supported", at: start)
            }
            let inside = try alternatives()
            guard take(")") else { throw fault("'(' without ')'", at: start) }
            return (inside, true)
        case "*", "+", "?": throw fault("nothing to repeat", at: start)
        case "{", "}", "]": throw fault("'\(scalar)' must be escaped", at: start)
        case "\\":
            if take("b") { return (.boundary(true), false) }
            if take("B") { return (.boundary(false), false) }
            return (.set(try escaped(from: start)), true)
        default: return (.set(.one(scalar)), true)
        }
    }

    private mutating func quantified(_ part: PatternNode) throws(PatternFault) -> PatternNode {
        let start = position
        let bounds: (least: Int, most: Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            position += 1
            guard let least = try count() else { throw fault("expected a number", at: start) }
            var most: Int? = least
            if take(",") { most = try count() }
            guard next == "}" else { throw fault("expected '}'", at: start) }
            guard most.map({ $0 >= least }) ?? true else {
                throw fault("the bounds of a repetition are swapped", at: start)
            }
            bounds = (least, most)
        default: return part
        }
        position += 1
        // Lazy repetition finds other matches, but finds one where greedy repetition does.
        _ = take("?")
        if let scalar = next, scalar == "*" || scalar == "+" || scalar == "?" || scalar == "{" {
            throw fault("nothing to repeat")
        }
        return .repeated(part, least: bounds.least, most: bounds.most)
    }

    private mutating func count() throws(PatternFault) -> Int? {
        var value: Int?
        while let scalar = next, scalar >= "0", scalar <= "9" {
            let sum = (value ?? 0) * 10 + Int(scalar.value - 0x30)
            guard sum <= Self.maximumRepeats else {
                throw fault("more than \(Self.maximumRepeats) repetitions")
            }
            value = sum
            position += 1
        }
        return value
    }

    private mutating func bracketed(from start: Int) throws(PatternFault) -> ScalarSet {
        let inverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var excludesClass = false
        while !take("]") {
            guard next != nil else { throw fault("'[' without ']'", at: start) }
            let first = try member()
            // Classes are the only members of more than one scalar.
            excludesClass = excludesClass || (inverted ? first.single == nil : first.excludesClass)
            guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                ranges += first.coveredRanges
                continue
            }
            position += 1
            let last = try member()
            guard let low = first.single, let high = last.single, low <= high else {
                throw fault("a range that is not one", at: start)
            }
            ranges.append(low...high)
        }
        return ScalarSet(
            ranges: ranges, isInverted: inverted, excludesClass: excludesClass)
    }

    private mutating func member() throws(PatternFault) -> ScalarSet {
        let start = position
        guard let scalar = next else { throw fault("'[' without ']'") }
        position += 1
        guard scalar == "\\" else { return .one(scalar) }
        if take("b") { return .one("\u{8}") }
        return try escaped(from: start)
    }

    private mutating func escaped(from start: Int) throws(PatternFault) -> ScalarSet {
        guard let scalar = next else { throw fault("'\\' at the end", at: start) }
        position += 1
        switch scalar {
        case "d": return .digit
        case "D": return .allBut(.digit)
        case "w": return .word
        case "W": return .allBut(.word)
        case "s": return .space
        case "S": return .allBut(.space)
        case "t": return .one("\t")
        case "n": return .one("\n")
        case "r": return .one("\r")
        case "f": return .one("\u{C}")
        case "v": return .one("\u{B}")
        case "0": return .one("\0")
        case "x": return .one(try hexadecimal(2, from: start))
        case "u":
            guard take("{") else { return .one(try hexadecimal(4, from: start)) }
            var width = 0
            while position + width < scalars.count, scalars[position + width] != "}" { width += 1 }
            let value = try hexadecimal(width, from: start)
            guard take("}") else { throw fault("expected '}'", at: start) }
            return .one(value)
        default:
            guard !scalar.properties.isAlphabetic, scalar.properties.numericType == nil else {
                throw fault("'\\\(scalar)' is not supported", at: start)
            }
            return .one(scalar)
        }
    }

    private mutating func hexadecimal(
        _ width: Int, from start: Int
    ) throws(PatternFault) -> Unicode.Scalar {
        guard (1...6).contains(width), position + width <= scalars.count else {
            throw fault("expected hexadecimal digits", at: start)
        }
        var value: UInt32 = 0
        for scalar in scalars[position..<position + width] {
            guard let digit = Character(scalar).hexDigitValue, scalar.isASCII else {
                throw fault("expected hexadecimal digits", at: start)
            }
            value = value << 4 | UInt32(digit)
        }
        guard let result = Unicode.Scalar(value) else {
            throw fault("not a Unicode character", at: start)
        }
        position += width
        return result
    }
}

extension ScalarSet {
    /// The scalar of a set of one.
    fileprivate var single: UInt32? {
        guard !isInverted, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
