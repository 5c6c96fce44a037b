import Compute

/// A sequence of a session: its tokens, and where they look.
struct SessionSequence: Sendable {
    var place: KVSequence
    /// Tokens that fit.
    var capacity: Int
    /// Tokens of a branch that fit behind those that it shares.
    var ownCapacity = 0
    var isFree = false
    var watch: AttentionWatch?
    /// What the tokens of the last pass attended to, of which it is not decided yet which are kept.
    var looks: [[[Float]]] = []

    var length: Int {
        get { place.length }
        set { place.length = newValue }
    }

    /// Where it lies when so many tokens have been added.
    func adding(_ tokens: Int) -> KVSequence {
        var place = place
        place.length += tokens
        place.rows = tokens
        return place
    }
}

extension KVSequence {
    /// One of its rows, which is row `row` of the pass; it is the last of the sequence.
    func watched(_ row: Int, _ watch: AttentionWatch) -> WatchedRow {
        var place = self
        place.rows = 1
        return WatchedRow(row: row, sequence: place, watch: watch)
    }
}

/// A sequence of a session.
package struct Branch: Sendable, Hashable {
    let number: Int
}

extension Session {
    /// Branches that there can be at once.
    package var branches: Int { sequences.count - 1 }

    /// Begins a branch with the first tokens of the trunk, which are shared and not copied, and
    /// selects it. The tokens that it has in common with the trunk must stay there.
    ///
    /// - Precondition: one of the branches is free.
    package mutating func fork(after tokens: Int) -> Branch {
        guard let number = sequences.indices.dropFirst().first(where: { sequences[$0].isFree })
        else { preconditionFailure("no branch is free") }
        precondition(
            tokens >= 0 && tokens <= sequences[0].length,
            "\(tokens) of \(sequences[0].length) tokens")
        let shared = tokens / KVPages.tokensPerPage
        sequences[number].place.shared = shared
        sequences[number].place.length = tokens
        sequences[number].capacity = tokens + sequences[number].ownCapacity
        sequences[number].watch = nil
        sequences[number].looks = []
        sequences[number].isFree = false
        if tokens % KVPages.tokensPerPage > 0 {
            cache.copy(page: shared, to: sequences[number].place.own)
        }
        selected = number
        return Branch(number: number)
    }

    /// The selected sequence, be it the trunk.
    package var current: Branch { Branch(number: selected) }

    /// Makes a branch the one that everything is about; nil: the trunk.
    package mutating func select(_ branch: Branch?) {
        let number = branch?.number ?? 0
        precondition(!sequences[number].isFree, "branch \(number) was let go")
        selected = number
    }

    /// Forgets a branch, which frees its place for another, and selects the trunk.
    package mutating func release(_ branch: Branch) {
        precondition(!sequences[branch.number].isFree, "branch \(branch.number) was let go")
        sequences[branch.number].isFree = true
        sequences[branch.number].length = 0
        sequences[branch.number].place.shared = 0
        selected = 0
    }

    /// Tokens that one sequence is to go on with.
    package struct Step: Sendable {
        package var branch: Branch
        /// At least one, at most ``Session/draftRows``.
        package var tokens: [Int]
        /// Position of the first.
        package var position: Int

        package init(_ branch: Branch, _ tokens: [Int], position: Int) {
            self.branch = branch
            self.tokens = tokens
            self.position = position
        }
    }

    /// Adds tokens of text to several branches in one pass, which reads the weights once for all of
    /// them. Each gives the same logits as if it were added by itself.
    ///
    /// The tokens are part of the branches only after ``keep(_:_:)``, which must come before the next
    /// pass.
    /// - Parameter steps: of different branches.
    /// - Returns: the logits behind each token, `[steps][tokens][vocabulary]`.
    /// - Throws: ``SessionError``; `CancellationError`.
    package mutating func decode(_ steps: [Step]) throws -> [[[Float]]] {
        try decode(steps.map { ($0.branch.number, $0.tokens, $0.position) })
    }

    /// The same in a pass that `pass` runs, which may add tokens of other sessions too. It must have
    /// ended when `pass` returns.
    package mutating func decode(
        _ steps: [Step], in pass: (SessionPart) throws -> PartResult
    ) throws -> [[[Float]]] {
        let steps = steps.map { ($0.branch.number, $0.tokens, $0.position) }
        return take(try pass(try part(steps)), of: steps)
    }

    /// Makes the first tokens of the last pass part of a branch; the others were never there.
    package mutating func keep(_ branch: Branch, _ tokens: Int) { keep(branch.number, tokens) }

    typealias NumberedStep = (sequence: Int, tokens: [Int], position: Int)

    mutating func decode(_ steps: [NumberedStep]) throws -> [[[Float]]] {
        let part = try part(steps)
        return take(try network.decode([part], scratch: &scratch)[0], of: steps)
    }

    /// What a pass needs for such steps.
    private mutating func part(_ steps: [NumberedStep]) throws(SessionError) -> SessionPart {
        let ids = steps.flatMap(\.tokens)
        precondition(
            ids.count <= rows && steps.allSatisfy { !$0.tokens.isEmpty }
                && Set(steps.map(\.sequence)).count == steps.count,
            "\(ids.count) tokens in \(steps.count) steps, \(rows) rows")
        for step in steps { try check(step.tokens, for: step.sequence) }
        let places = steps.map { sequences[$0.sequence].adding($0.tokens.count) }
        var watched: [WatchedRow] = []
        var row = 0
        for (step, place) in zip(steps, places) {
            for index in step.tokens.indices {
                guard let watch = sequences[step.sequence].watch else { continue }
                var seen = place
                seen.length -= step.tokens.count - 1 - index
                watched.append(seen.watched(row + index, watch))
            }
            row += step.tokens.count
        }
        return SessionPart(
            ids: ids, positions: steps.map { ($0.position, $0.tokens.count) }, sequences: places,
            pages: cache.lend(), watched: watched)
    }

    /// Notes what the rows of each step attended to.
    private mutating func take(
        _ result: PartResult, of steps: [NumberedStep]
    ) -> [[[Float]]] {
        var (nextRow, nextLook) = (0, 0)
        return steps.map { step in
            let count = step.tokens.count
            if sequences[step.sequence].watch != nil {
                sequences[step.sequence].looks = Array(result.looks[nextLook..<nextLook + count])
                nextLook += count
            }
            defer { nextRow += count }
            return Array(result.logits[nextRow..<nextRow + count])
        }
    }

    mutating func keep(_ sequence: Int, _ tokens: Int) {
        sequences[sequence].length += tokens
        for look in sequences[sequence].looks.prefix(tokens) {
            sequences[sequence].watch?.add(look)
        }
        sequences[sequence].looks = []
    }
}
