/// Cuts text into the pieces inside which byte pairs are merged.
///
/// The cuts are those of the pattern below, alternatives tried in order at every position; each
/// piece is what one match covers, and the matches leave no gaps.
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)
///     [^\r\n\p{L}\p{N}]?\p{L}+
///     \p{N}
///      ?[^\s\p{L}\p{N}]+[\r\n]*
///     \s*[\r\n]+
///     \s+(?!\S)
///     \s+
///
/// Every piece is found in one walk over it, plus one over a run of white space that is cut in two
/// at most once, so the cost is linear in the text.
/// - Source: spec section 6.2. The reference folds case by Unicode: `'ſ` is a contraction as `'s`.
package struct PieceScanner {
    /// The pattern that this scanner stands for, as a tokenizer file writes it.
    package static let pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
        + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// UTF-8 of a whole text; the pattern looks ahead, so a part of one must not stand for it.
    private let text: [UInt8]
    private let end: Int
    private var position: Int

    /// - Parameter text: valid UTF-8.
    package init(_ text: [UInt8]) {
        self.text = text
        position = 0
        end = text.count
    }

    /// The bytes of the next piece, never empty; nil at the end of the text.
    package mutating func next() -> Range<Int>? {
        guard position < end else { return nil }
        let start = position
        position = pieceEnd(from: start)
        return start..<position
    }

    private func pieceEnd(from start: Int) -> Int {
        if let contraction = contractionEnd(from: start) { return contraction }
        let first = text.scalar(at: start)
        switch CharacterClass(of: first.value) {
        case .letter:
            return endOfLetters(from: first.end)
        case .number:
            return first.end
        case .other:
            let letters = endOfLetters(from: first.end)
            return letters > first.end ? letters : endOfOthers(from: first.end)
        case .space:
            if !Self.isLineBreak(first.value) {
                let letters = endOfLetters(from: first.end)
                if letters > first.end { return letters }
            }
            if first.value == 0x20, first.end < end {
                let second = text.scalar(at: first.end)
                if CharacterClass(of: second.value) == .other {
                    return endOfOthers(from: second.end)
                }
            }
            return endOfSpace(from: start)
        }
    }

    /// The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` in any case, or nil.
    private func contractionEnd(from start: Int) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        let second = start + 2 < end ? text[start + 2] : 0
        // Bit 0x20 alone tells the cases of an ASCII letter apart.
        switch text[start + 1] | 0x20 {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return second | 0x20 == UInt8(ascii: "e") ? start + 3 : nil
        case UInt8(ascii: "l"):
            return second | 0x20 == UInt8(ascii: "l") ? start + 3 : nil
        default:
            // U+017F, the long s.
            return text[start + 1] == 0xC5 && second == 0xBF ? start + 3 : nil
        }
    }

    private func endOfLetters(from start: Int) -> Int {
        var position = start
        while position < end {
            let scalar = text.scalar(at: position)
            guard CharacterClass(of: scalar.value) == .letter else { break }
            position = scalar.end
        }
        return position
    }

    /// Past characters that are neither white space, letter nor number, and the line breaks
    /// behind them.
    private func endOfOthers(from start: Int) -> Int {
        var position = start
        while position < end {
            let scalar = text.scalar(at: position)
            guard CharacterClass(of: scalar.value) == .other else { break }
            position = scalar.end
        }
        while position < end, Self.isLineBreak(UInt32(text[position])) { position += 1 }
        return position
    }

    /// Where to cut a run of white space: after its last line break; without one, at its end if
    /// the text ends there, and otherwise before its last character, if another one is left.
    private func endOfSpace(from start: Int) -> Int {
        var position = start
        var last = start
        var afterLineBreak: Int?
        while position < end {
            let scalar = text.scalar(at: position)
            guard CharacterClass(of: scalar.value) == .space else { break }
            last = position
            position = scalar.end
            if Self.isLineBreak(scalar.value) { afterLineBreak = position }
        }
        if let afterLineBreak { return afterLineBreak }
        return position == end || last == start ? position : last
    }

    private static func isLineBreak(_ scalar: UInt32) -> Bool { scalar == 0x0A || scalar == 0x0D }
}
