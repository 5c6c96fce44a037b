/// Remembers the pieces of one text whose tokens are known, so that words that come back are not
/// merged again.
///
/// A fixed number of places, each held by the last piece that hashed to it: memory is bounded, and
/// no text can make it slow.
struct PieceCache {
    private struct Entry {
        var piece = 0..<0
        var tokens = 0..<0
    }

    /// Longer pieces hardly ever repeat.
    static let longestPiece = 64
    private static let mostPlaces = 1 << 13

    private var entries: [Entry]
    private let mask: Int
    private let hash = SeededHash()

    /// - Parameter textCount: bytes of the text; a short one needs few places.
    init(textCount: Int) {
        var places = 16
        while places < min(textCount / 4, Self.mostPlaces) { places *= 2 }
        entries = Array(repeating: Entry(), count: places)
        mask = places - 1
    }

    /// Where in the output the tokens of an equal piece stand, or nil; then also the place in
    /// which to remember the piece.
    func find(_ piece: Range<Int>, of text: [UInt8]) -> (tokens: Range<Int>?, place: Int) {
        let place = Int(truncatingIfNeeded: hash.value(of: text[piece])) & mask
        let known = entries[place].piece
        guard known.count == piece.count, text[known].elementsEqual(text[piece]) else {
            return (nil, place)
        }
        return (entries[place].tokens, place)
    }

    /// Remembers that the tokens of the piece stand in this range of the output.
    mutating func remember(_ piece: Range<Int>, tokens: Range<Int>, place: Int) {
        entries[place] = Entry(piece: piece, tokens: tokens)
    }
}
