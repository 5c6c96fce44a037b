extension Automaton {
    /// Walks a vocabulary from a state on, and puts the tokens that fit into a mask: bit `id % 64` of
    /// word `id / 64`.
    ///
    /// Transitions that are known are followed without a pause; the walk stops where one is not, and
    /// goes on when it has been worked out.
    func allow(_ trie: TokenTrie, after state: State, in mask: inout [UInt64]) {
        /// States at each depth.
        var path = [State](repeating: Self.dead, count: trie.longest + 1)
        path[0] = state
        var node = 0
        while true {
            node = follow(trie, from: node, &path, &mask)
            guard node < trie.bytes.count else { return }
            _ = resolve(path[Int(trie.depths[node])], trie.bytes[node])
        }
    }

    /// - Returns: the first node whose transition is not known, or the number of nodes.
    private func follow(
        _ trie: TokenTrie, from start: Int, _ path: inout [State], _ mask: inout [UInt64]
    ) -> Int {
        // Members of objects lend no spans; arrays in local variables do.
        let (nodeBytes, nodeDepths) = (trie.bytes, trie.depths)
        let (nodeEnds, nodeTokens) = (trie.ends, trie.tokens)
        let (classOfByte, known) = (self.classes, self.rows)
        let bytes = nodeBytes.span
        let depths = nodeDepths.span
        let ends = nodeEnds.span
        let tokens = nodeTokens.span
        let classes = classOfByte.span
        let rows = known.span
        var states = path.mutableSpan
        var words = mask.mutableSpan
        var node = start
        while node < bytes.count {
            let depth = Int(depths[node])
            let next = rows[Int(states[depth]) * classCount + Int(classes[Int(bytes[node])])]
            guard next >= 0 else {
                guard next == Self.dead else { return node }
                node = Int(ends[node])
                continue
            }
            states[depth + 1] = next
            let token = Int(tokens[node])
            if token >= 0 { words[token >> 6] |= 1 << UInt64(token & 63) }
            node += 1
        }
        return node
    }
}
