import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// The sample model answers the sentences it was trained with: they must be the ones the program sends.
@Suite struct PromptTests {
    private func shared() throws -> [String: String] {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Samples/world/prompts.json")
        return try JSONDecoder().decode([String: String].self, from: Data(contentsOf: file))
    }

    @Test func sentencesAreThoseOfTheTraining() throws {
        let shared = try shared()
        #expect(Prompts.system == shared["system"])
        #expect(Prompts.segment == shared["segment"])
    }

    // Guards the layout of the notes, number and timecodes included.
    @Test func notesAreLaidOutAsInTheTraining() throws {
        let shared = try shared()
        let notes = [
            Prompts.Note(start: "00:00:00.000", end: "00:00:04.200", text: "A circle grows."),
            Prompts.Note(start: "00:00:04.200", end: "00:00:09.000", text: "The text reads GO."),
        ]
        let lines = try notes.enumerated().map { index, note in
            try #require(shared["note"])
                .replacingOccurrences(of: "{number}", with: "\(index + 1)")
                .replacingOccurrences(of: "{start}", with: note.start)
                .replacingOccurrences(of: "{end}", with: note.end)
                .replacingOccurrences(of: "{text}", with: note.text)
        }
        let whole = try #require(shared["whole"])
            .replacingOccurrences(of: "{notes}", with: lines.joined(separator: "\n"))
        #expect(Prompts.whole(of: notes) == whole)
    }
}
