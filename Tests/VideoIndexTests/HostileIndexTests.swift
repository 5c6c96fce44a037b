import Foundation
import GRDB
import OrderedJSON
import Testing
import VideoIndex
import VideoUnderstanding

/// Files that are not what they should be: one clear error, never a crash, never another answer.
@Suite struct HostileIndexTests {
    /// An index with everything in it, made once.
    private static let sound: (path: String, content: String)? = {
        guard let folder = try? TemporaryFolder(),
            let video = try? PictureVideo(in: folder, pictures: 9).input,
            let analyzer = try? Places.analyzer()
        else { return nil }
        var settings = Settings()
        settings.threads = 1
        settings.window = Rational(2)
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-sound-\(getpid()).rsx").path
        try? FileManager.default.removeItem(atPath: path)
        guard
            (try? analyzer.index(video, output: path, settings: settings, prefixes: .all)) != nil,
            let hash = try? content(of: path)
        else { return nil }
        return (path, hash)
    }()

    private func settings(_ index: IndexedVideo) -> Settings {
        var settings = index.settings
        settings.threads = 1
        settings.generation.maxNewTokens = 4
        return settings
    }

    /// A copy to spoil.
    private func copy(in folder: TemporaryFolder) throws -> String {
        let sound = try #require(Self.sound)
        let path = folder.file("spoilt.rsx")
        try FileManager.default.copyItem(atPath: sound.path, toPath: path)
        return path
    }

    private func refused(_ path: String) -> Failure? {
        do {
            let index = try IndexedVideo(path: path)
            _ = try IndexDocument.verifying(index)
            return nil
        } catch {
            return error
        }
    }

    // Guards the border: what a truncated or foreign file says, and with which code.
    @Test(arguments: [
        ("empty", "index.unsupported"), ("head", "index.unsupported"),
        ("text", "index.unsupported"), ("short", "index.damaged"), ("half", "index.damaged"),
        ("long", "index.damaged"), ("version", "index.unsupported"), ("log", "index.damaged"),
        ("pages", "index.damaged"), ("gone", "input.not_found"), ("folder", "index.unsupported"),
        ("foreign", "index.unsupported"),
    ])
    func filesThatAreNone(kind: String, code: String) throws {
        let folder = try TemporaryFolder()
        let path = try copy(in: folder)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        switch kind {
        case "empty": bytes = Data()
        case "head": bytes = bytes.prefix(60)
        case "text": bytes = Data(String(repeating: "no index ", count: 40).utf8)
        case "short": bytes = bytes.dropLast(1)
        case "half": bytes = bytes.prefix(bytes.count / 2)
        case "long": bytes += Data(count: 16384)
        case "version": bytes[63] = 9
        case "log": bytes[18] = 2
        case "pages": bytes.replaceSubrange(28..<32, with: [0xFF, 0xFF, 0xFF, 0xFF])
        case "foreign": bytes[68] = 0
        default: break
        }
        try FileManager.default.removeItem(atPath: path)
        switch kind {
        case "gone": break
        case "folder":
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        default: try bytes.write(to: URL(fileURLWithPath: path))
        }
        let failure = try #require(refused(path))
        #expect(failure.code.rawValue == code)
        #expect(failure.message.contains(path))
        #expect([.badInput, .inputMissing].contains(failure.status))
    }

    // Guards every byte: a flipped bit is found, or was of no meaning.
    @Test func flippedBits() throws {
        let folder = try TemporaryFolder()
        let sound = try #require(Self.sound)
        let whole = try Data(contentsOf: URL(fileURLWithPath: sound.path))
        let path = folder.file("spoilt.rsx")
        var found = 0
        var tried = 0
        // All of the first page, then some from everywhere; a prime, so that no column is missed.
        let places =
            Array(stride(from: 0, to: 16384, by: 61))
            + Array(stride(from: 16384, to: whole.count, by: max(1009, whole.count / 400)))
        for (step, place) in places.enumerated() {
            var bytes = whole
            bytes[place] ^= 1 << UInt8(step % 8)
            try bytes.write(to: URL(fileURLWithPath: path))
            tried += 1
            do throws(Failure) {
                let document = try IndexDocument.verifying(try IndexedVideo(path: path))
                #expect(
                    document.json["content"]?.string == sound.content, "byte \(place) was believed")
            } catch {
                #expect(error.code != .internalError)
                found += 1
            }
        }
        // The rest lies where nothing was written.
        #expect(found > tried / 5)
    }

    // Guards answers: with a flipped bit there is the right answer, or none.
    @Test func flippedBitsGiveNoOtherAnswer() throws {
        let folder = try TemporaryFolder()
        let sound = try #require(Self.sound)
        let analyzer = try Places.analyzer()
        let index = try IndexedVideo(path: sound.path)
        let expected = try analyzer.answers(index, ["What is there?"], settings(index))
        let whole = try Data(contentsOf: URL(fileURLWithPath: sound.path))
        let path = folder.file("spoilt.rsx")
        for place in stride(from: 20000, to: whole.count, by: max(1, whole.count / 60)) {
            var bytes = whole
            bytes[place] ^= 16
            try bytes.write(to: URL(fileURLWithPath: path))
            do {
                let index = try IndexedVideo(path: path)
                #expect(
                    try analyzer.answers(index, ["What is there?"], settings(index)) == expected)
            } catch let failure as Failure {
                #expect(failure.code.rawValue == "index.damaged", "\(failure)")
            }
        }
    }

    // Guards against rows that SQL can change while the database stays sound.
    @Test(arguments: [
        "UPDATE pair SET data = zeroblob(length(data))",
        "UPDATE pair SET data = zeroblob(70000000) WHERE rowid = 1",
        "UPDATE pair SET data = 'text'",
        "UPDATE pair SET hash = zeroblob(32) WHERE rowid = 1",
        "DELETE FROM pair WHERE rowid = 1",
        "UPDATE prefix SET tokens = tokens + 1",
        "UPDATE prefix SET parts = 1000000000",
        "UPDATE OR REPLACE prefix SET key = 7",
        "DELETE FROM prefix_part WHERE number = 1",
        "UPDATE prefix_part SET data = zeroblob(length(data)) WHERE number = 2",
        "UPDATE prefix_part SET number = number + 1000 WHERE number = 3",
        "DELETE FROM prefix",
        "UPDATE summary SET text = text || ' or not'",
        "UPDATE summary SET text = x'ff00fe'",
        "UPDATE summary SET confidence = 9e999",
        "DELETE FROM summary",
        "UPDATE reading SET windows = 1000000000",
        "UPDATE reading SET windows = -1",
        "UPDATE reading SET facts = '{}'",
        "UPDATE reading SET facts = replace(facts, 'width', 'wide')",
        "UPDATE window SET start = start + 1",
        "UPDATE window SET start = 'early'",
        "UPDATE window SET height = 1000000",
        "UPDATE window SET frames = 1000000",
        "UPDATE window SET pairs = 0",
        "UPDATE window SET ending = 'cliff'",
        "UPDATE window SET prefix = NULL",
        "DELETE FROM window WHERE number = 1",
        "INSERT INTO window SELECT reading, number + 70, start, \"end\", ending, height, width, frames, pairs, prefix, summary, checksum FROM window WHERE number = 0",
        "DELETE FROM frame WHERE number = 0",
        "UPDATE frame SET time = time + 0.001",
        "UPDATE frame SET instant = NULL WHERE 0; UPDATE frame SET shown = 'x'",
        "UPDATE window_pair SET hash = zeroblob(32) WHERE number = 0",
        "UPDATE window_pair SET \"end\" = 1e300",
        "DELETE FROM window_pair",
        "UPDATE header SET value = '{}' WHERE name = 'settings'",
        "DELETE FROM header WHERE name = 'content'",
        "DELETE FROM header",
        "UPDATE header SET value = '0' WHERE name = 'finished'",
        "UPDATE summary_words SET text = 'lies'",
        "DELETE FROM summary_words",
        "CREATE TABLE more (a)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON pair BEGIN DELETE FROM pair; END",
        "CREATE INDEX i ON frame (time)",
        "ALTER TABLE pair ADD COLUMN more",
        "DROP TABLE summary; CREATE VIEW summary AS SELECT 1 AS key",
    ])
    func rowsThatWereChanged(sql: String) throws {
        let folder = try TemporaryFolder()
        let path = try copy(in: folder)
        // Nothing is refused that SQLite would do.
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
        let failure = try #require(refused(path), "\(sql) was believed")
        #expect(
            ["index.damaged", "index.unfinished"].contains(failure.code.rawValue), "\(failure)")
        #expect(failure.status == .badInput)
        #expect(!failure.line.contains("\n"))
        // Asking gives the right answer or none.
        let sound = try #require(Self.sound)
        let analyzer = try Places.analyzer()
        let index = try IndexedVideo(path: sound.path)
        let expected = try analyzer.answers(index, ["What is there?"], settings(index))
        do {
            let spoilt = try IndexedVideo(path: path)
            #expect(
                try analyzer.answers(spoilt, ["What is there?"], settings(index)) == expected)
        } catch let failure as Failure {
            #expect(failure.code.rawValue.hasPrefix("index."), "\(failure)")
        }
    }

    // Guards the reader's file: asking writes nothing, not even beside it.
    @Test func askingChangesNothing() throws {
        let folder = try TemporaryFolder()
        let path = try copy(in: folder)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
        let index = try IndexedVideo(path: path)
        _ = try Places.analyzer().answers(index, ["What?"], settings(index))
        #expect(folder.names == ["spoilt.rsx"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }
}
