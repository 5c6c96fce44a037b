import Constraint
import Qwen2VL
import Text

/// Texts that are written together: each pass of the model adds to all that have not ended, and reads
/// the weights once for them. Every text is the same as if it were written alone.
package struct TextGroup {
    private struct Member {
        let branch: Branch
        var writer: TextWriter
        /// What went wrong with this text alone.
        var error: (any Error)?
        var whole: GeneratedText?

        /// Chooses the next token; a failure ends this text and no other.
        mutating func take(_ logits: [Float]) -> String {
            do {
                return try writer.take(logits)
            } catch {
                self.error = error
                writer.stop()
                return ""
            }
        }
    }

    private var members: [Member] = []
    package var count: Int { members.count }
    /// Passes of the model, and tokens that were guessed and guessed right.
    package private(set) var counts = DecodeCounts()

    package init() {}

    /// Adds a text and chooses its first token.
    ///
    /// - Parameters:
    ///   - branch: has read the prompt.
    ///   - logits: of the last token of the prompt.
    /// - Returns: the first piece of the text.
    @discardableResult
    package mutating func add(
        _ branch: Branch, _ writer: consuming TextWriter, logits: [Float]
    ) -> String {
        var member = Member(branch: branch, writer: writer)
        let piece = member.take(logits)
        members.append(member)
        return piece
    }

    /// Writes all texts to their ends.
    ///
    /// - Parameters:
    ///   - seat: where passes are shared with other jobs; nil: there are none.
    ///   - onText: gets pieces of the first text that has not ended.
    ///   - onEnd: gets each text as soon as it has ended well, with its place.
    /// - Throws: what ends the work on all of them. What is wrong with one text is told with it.
    package mutating func write(
        _ session: inout Session, at seat: DecodingSeat? = nil,
        onText: (String) throws -> Void = { _ in },
        onEnd: (Int, GeneratedText) throws -> Void = { _, _ in }
    ) throws {
        while true {
            try end(onEnd, onText)
            try Task.checkCancellation()
            let open = members.indices.filter { members[$0].writer.pending != nil }
            guard !open.isEmpty else { break }
            // Guesses are for free only while reading the weights is what takes the time.
            let free = max(0, (seat?.fairShare ?? Session.draftRows) - open.count)
            let spare = free / open.count
            var steps: [Session.Step] = []
            for index in open {
                let writer = members[index].writer
                session.select(members[index].branch)
                let room = session.capacity - session.length
                guard let token = writer.pending, room > 0 else {
                    members[index].writer.stop()
                    continue
                }
                steps.append(
                    Session.Step(
                        members[index].branch,
                        [token] + writer.draft(max(0, min(spare, room - 1))),
                        position: writer.pendingPosition))
            }
            guard !steps.isEmpty else { break }
            let logits =
                if let seat { try session.decode(steps, in: seat.decode) } else {
                    try session.decode(steps)
                }
            counts.passes += 1
            var stepIndex = 0
            for index in open where stepIndex < steps.count {
                guard steps[stepIndex].branch == members[index].branch else { continue }
                let draft = steps[stepIndex].tokens.dropFirst()
                let rows = logits[stepIndex]
                stepIndex += 1
                var kept = 0
                for row in rows {
                    let piece = members[index].take(row)
                    kept += 1
                    if index == open[0], !piece.isEmpty { try onText(piece) }
                    guard kept <= draft.count, let next = members[index].writer.pending,
                        next == draft[draft.startIndex + kept - 1]
                    else { break }
                }
                session.keep(members[index].branch, kept)
                members[index].writer.judge(drafted: draft.count, right: kept - 1)
                counts.drafted += draft.count
                counts.right += kept - 1
                counts.tokens += kept
            }
        }
        try end(onEnd, onText)
    }

    /// Makes wholes of the texts that go no further.
    private mutating func end(
        _ onEnd: (Int, GeneratedText) throws -> Void, _ onText: (String) throws -> Void
    ) throws {
        for index in members.indices
        where members[index].writer.pending == nil && members[index].whole == nil {
            let (whole, rest) = members[index].writer.end()
            members[index].whole = whole
            if !rest.isEmpty, members.count == 1 { try onText(rest) }
            if members[index].error == nil { try onEnd(index, whole) }
        }
    }

    /// The texts, in the order in which they were added.
    package var texts: [Result<GeneratedText, any Error>] {
        members.map { member in
            if let error = member.error { return .failure(error) }
            guard let whole = member.whole else { preconditionFailure("a text was not written") }
            return .success(whole)
        }
    }
}

/// What decoding took.
package struct DecodeCounts: Sendable, Equatable {
    /// Passes of the model through its layers.
    package var passes = 0
    /// Tokens that came of them.
    package var tokens = 0
    /// Tokens that were guessed ahead.
    package var drafted = 0
    /// Guesses that were right.
    package var right = 0
}
