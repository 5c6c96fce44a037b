extension Grammar {
    /// Whether a text is one of those that the grammar writes.
    package func accepts(_ text: String) -> Bool {
        let automaton = Automaton(self)
        return Self.state(after: text, in: automaton).map(automaton.accepts) ?? false
    }

    /// The shortest whole that begins so; nil where none does.
    package func completing(_ beginning: String) -> String? {
        let automaton = Automaton(self)
        return Self.state(after: beginning, in: automaton).map {
            beginning + String(decoding: automaton.completion(of: $0), as: UTF8.self)
        }
    }

    private static func state(after text: String, in automaton: Automaton) -> Automaton.State? {
        var state = automaton.start
        for byte in text.utf8 {
            // A schema may have no text at all that begins with anything.
            guard state != Automaton.dead else { return nil }
            state = automaton.next(state, byte)
        }
        return state == Automaton.dead ? nil : state
    }
}
