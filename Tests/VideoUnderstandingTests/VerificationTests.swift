import Foundation
import OrderedJSON
import Qwen2VL
import Testing
import Text
import VideoUnderstanding

/// The second look at an answer's evidence.
@Suite struct VerificationTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let questions = [
        "What does the green star do?", "When does the orange triangle appear?",
        "Is there a red circle?", "Which way does the yellow triangle move?",
    ]

    /// A picture that gets brighter from left to right, in 24 bits.
    private static func bitmap(width: Int, height: Int) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
        let size = 54 + 3 * width * height
        let header = Array("BM".utf8) + number(size) + number(0) + number(54)
        let format = number(40) + number(width) + number(height) + [1, 0, 24, 0]
        let rows = (0..<height).flatMap { _ in
            (0..<width).flatMap { [UInt8](repeating: UInt8(2 * $0), count: 3) }
        }
        return header + format + [UInt8](repeating: 0, count: 24) + rows
    }

    private func answers(
        model: String = "\(root)/Samples/model", video: String = "sample-world.mp4",
        change: (inout Settings) -> Void = { _ in }
    ) throws -> [AnswerDocument] {
        let analyzer = try Analyzer(folder: model, weights: WeightFormats(), threads: 2)
        var settings = Settings()
        settings.verifiesAnswers = true
        settings.generation.maxNewTokens = 24
        change(&settings)
        try settings.validate()
        var answers: [AnswerDocument] = []
        try analyzer.ask(
            try .resolving("\(Self.root)/Samples/\(video)", settings: settings),
            questions: Self.questions, settings: settings
        ) { place, document in
            #expect(place == answers.count)
            var document = document
            document.provenance.timing = nil
            answers.append(document)
        }
        return answers
    }

    // Guards that the look changes nothing but what it adds, in any company and after pruning.
    @Test func answersStayTheSame() throws {
        let checked = try answers()
        var plain = try answers { $0.verifiesAnswers = false }
        try #require(checked.count == Self.questions.count && plain.count == checked.count)
        for index in plain.indices {
            #expect(plain[index].verification == nil)
            let verification = try #require(checked[index].verification)
            #expect((0...1).contains(verification.probability))
            plain[index].verification = verification
            plain[index].provenance.settings = checked[index].provenance.settings
        }
        #expect(plain == checked)
        #expect(checked[0].provenance.settings["verify"] == .bool(true))
        #expect(Set(checked.compactMap(\.verification?.probability)).count == checked.count)
        #expect(try answers { $0.batch = 1 } == checked)
    }

    // Guards what the look is for: an answer that the evidence carries is borne out.
    @Test(arguments: [nil, 0.02])
    func whatIsSeenIsBorneOut(prune: Double?) throws {
        let checked = try answers { $0.prune = prune }
        #expect(checked[0].verification?.isBorneOut ?? false)
        #expect(checked[2].verification?.isBorneOut ?? false)
    }

    // A picture has no stretches of time: the whole of it is looked at again.
    @Test func aPictureIsLookedAtAgain() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("verification-\(UUID().uuidString).bmp").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(Self.bitmap(width: 112, height: 84)).write(to: URL(fileURLWithPath: path))
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2)
        var settings = Settings()
        settings.verifiesAnswers = true
        var documents: [AnswerDocument] = []
        try analyzer.ask(
            try .resolving(path, settings: settings),
            questions: ["Is there a red circle?"], settings: settings
        ) { documents.append($1) }
        try #require(documents.count == 1)
        #expect(documents[0].evidence.isEmpty)
        #expect(documents[0].verification != nil)
    }

    // A model that does not say how it refuses is asked for yes or no; the two look at the same.
    @Test func othersAreAskedForYesOrNo() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("verification-\(UUID().uuidString)").path
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: folder) }
        let model = "\(Self.root)/Samples/model"
        for name in try files.contentsOfDirectory(atPath: model) where name != "config.json" {
            try files.createSymbolicLink(
                atPath: "\(folder)/\(name)", withDestinationPath: "\(model)/\(name)")
        }
        let text = try String(contentsOfFile: "\(model)/config.json", encoding: .utf8)
        #expect(text.contains("\"refusal\""))
        try text.replacingOccurrences(of: "\"refusal\"", with: "\"was_refusal\"")
            .write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
        let repeated = try answers()
        let asked = try answers(model: folder)
        #expect(asked.map(\.answer) == repeated.map(\.answer))
        for (one, other) in zip(asked, repeated) {
            let probability = try #require(one.verification?.probability)
            #expect((0...1).contains(probability))
            #expect(probability != other.verification?.probability)
        }
    }

    // Guards the schema.
    @Test func theDocumentIsValid() throws {
        let document = try #require(try answers().first)
        #expect(["yes", "no"].contains(document.json["verification"]?["verdict"]?.string))
        #expect(DocumentValidator().faults(in: document.json).isEmpty)
    }
}
