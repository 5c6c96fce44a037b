import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct IndexCommandTests {
    private static let clip = Repository.path("Samples/shapes-and-cuts.mp4")

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-index-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    private func content(_ path: String) throws -> String? {
        let outcome = try Tool.run("index", "--verify", path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let document = try JSON.parse(outcome.output)
        #expect(DocumentValidator().faults(in: document) == [])
        return document["content"]?.string
    }

    // Guards the promise across processes: the document is that of the video, byte by byte.
    @Test func anotherProcessAnswersTheSame() throws {
        try withFolder { folder in
            let index = "\(folder)/clip.rsx"
            let made = try Tool.run("index", Self.clip, "--output", index, "--threads", "1")
            #expect(made.status == 0, "\(made.errors)")
            #expect(try JSON.parse(made.output)["schema"]?.string == "reelscribe/index@1")
            let options = ["--no-timing", "--max-new-tokens", "10", "--threads", "1"]
            for words in [["ask", "V", "What moves?"], ["summarize", "V"]] {
                func run(_ video: String) throws -> Tool.Outcome {
                    try Tool.run(words.map { $0 == "V" ? video : $0 } + options)
                }
                let (cold, warm) = (try run(Self.clip), try run(index))
                #expect(cold.status == 0 && warm.status == 0, "\(warm.errors)")
                #expect(warm.output == cold.output)
            }
            let other = try Tool.run(["ask", index, "What moves?", "--fps", "1"])
            #expect(other.status == 78)
            #expect(other.errors.contains("fps 2/1 and not 1/1"))
            #expect(try JSON.parse(other.output)["error"]?["code"]?.string == "index.mismatch")
        }
    }

    // How activations were rounded is taken over from an index, and told in documents.
    @Test func roundingComesFromTheIndex() throws {
        try withFolder { folder in
            let index = "\(folder)/clip.rsx"
            let rounding = ["--activations", "fast"]
            let made = try Tool.run(
                ["index", Self.clip, "--output", index, "--threads", "1"] + rounding)
            #expect(made.status == 0, "\(made.errors)")
            let options = ["--no-timing", "--max-new-tokens", "10", "--threads", "1"]
            for words in [["ask", "V", "What moves?"], ["summarize", "V"]] {
                let cold = try Tool.run(
                    words.map { $0 == "V" ? Self.clip : $0 } + options + rounding)
                let warm = try Tool.run(words.map { $0 == "V" ? index : $0 } + options)
                #expect(cold.status == 0 && warm.status == 0, "\(cold.errors)\(warm.errors)")
                #expect(warm.output == cold.output)
                let settings = try JSON.parse(warm.output)["settings"]
                #expect(settings?["activations"]?.string == "fast")
            }
            let other = try Tool.run(["ask", index, "What moves?", "--activations", "full"])
            #expect(other.status == 78)
            #expect(other.errors.contains("activations fast and not the default"))
        }
    }

    // Guards tokens that were left out: an index knows which, for the whole video and for windows.
    @Test func tokensAreLeftOutOfAnIndexToo() throws {
        try withFolder { folder in
            let index = "\(folder)/clip.rsx"
            let clip = Repository.path("Samples/street-crossing.mkv")
            let reading = ["--prune", "0.02", "--threads", "1", "--window", "8"]
            let made = try Tool.run(["index", clip, "--output", index] + reading)
            #expect(made.status == 0, "\(made.errors)")
            #expect(try JSON.parse(made.output)["settings"]?["prune"]?.double == 0.02)
            let options = ["--no-timing", "--max-new-tokens", "10", "--threads", "1"]
            for words in [
                ["ask", "V", "What moves?"], ["summarize", "V"],
                ["ask", "V", "What moves?", "--look", "windows", "--look-windows", "2"],
            ] {
                let cold = try Tool.run(
                    words.map { $0 == "V" ? clip : $0 } + options + reading.prefix(2)
                        + (words[0] == "summarize" || words.count > 3 ? reading.suffix(2) : []))
                let warm = try Tool.run(words.map { $0 == "V" ? index : $0 } + options)
                #expect(cold.status == 0 && warm.status == 0, "\(cold.errors)\(warm.errors)")
                #expect(warm.output == cold.output)
                let dropped = try JSON.parse(warm.output)["usage"]?["dropped_visual_tokens"]?.int
                // In the two windows that are looked at something always moves.
                #expect(try #require(dropped) > 0 || words.count > 3)
            }
            let other = try Tool.run(["ask", index, "What moves?", "--prune", "0.5"])
            #expect(other.status == 78)
            #expect(other.errors.contains("prune 0.02 and not 0.5"))
            let plain = "\(folder)/plain.rsx"
            #expect(try Tool.run(["index", clip, "--output", plain]).status == 0)
            let refused = try Tool.run(["ask", plain, "What moves?", "--prune", "0"])
            #expect(refused.status == 78)
            #expect(refused.errors.contains("prune the default and not 0"))
            #expect(try content(index) != nil)
        }
    }

    // Guards SIGKILL at any moment: the next run goes on, and the index is the same in the end.
    @Test func killedAtAnyMoment() throws {
        try withFolder { folder in
            let arguments = [
                "index", Self.clip, "--threads", "1", "--window", "3", "--fps", "8", "--prefix",
                "all", "--output",
            ]
            let start = ContinuousClock.now
            let whole = try Tool.run(arguments + ["\(folder)/whole.rsx"])
            let length = ContinuousClock.now - start
            #expect(whole.status == 0, "\(whole.errors)")
            let expected = try content("\(folder)/whole.rsx")
            let path = "\(folder)/parts.rsx"
            var random = SystemRandomNumberGenerator()
            var killed = 0
            for _ in 0..<20 {
                let tool = try Tool(arguments + [path])
                let moment = Double(random.next() % 1000) / 1000
                Thread.sleep(forTimeInterval: moment * Double(length / .milliseconds(1)) / 1000)
                if tool.isRunning {
                    kill(tool.identifier, SIGKILL)
                    killed += 1
                }
                _ = try tool.outcome()
                if FileManager.default.fileExists(atPath: path) {
                    // The file is there only when it is whole.
                    #expect(try content(path) == expected)
                    try FileManager.default.removeItem(atPath: path)
                }
            }
            #expect(killed > 0)
            let last = try Tool.run(arguments + [path])
            #expect(last.status == 0, "\(last.errors)")
            #expect(try content(path) == expected)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.sorted() == ["parts.rsx", "whole.rsx"])
        }
    }

    // Guards two writers: one makes the file, the other says who does, or finds it made.
    @Test func twoAtOnce() throws {
        try withFolder { folder in
            let path = "\(folder)/clip.rsx"
            let arguments = ["index", Self.clip, "--output", path, "--threads", "1", "--fps", "8"]
            let tools = try (0..<3).map { _ in try Tool(arguments) }
            let outcomes = try tools.map { try $0.outcome() }
            #expect(outcomes.contains { $0.status == 0 })
            for outcome in outcomes where outcome.status != 0 {
                #expect(outcome.status == 75, "\(outcome.errors)")
                #expect(outcome.errors.contains("another process is writing"))
            }
            #expect(try content(path) != nil)
        }
    }

    // Guards a cache that processes share: they wait for each other, and answer the same.
    @Test func aSharedCache() throws {
        try withFolder { folder in
            let options = [
                "ask", Self.clip, "What moves?", "--no-timing", "--max-new-tokens", "6",
                "--threads",
                "1",
            ]
            let cold = try Tool.run(options)
            let tools = try (0..<3).map { _ in
                try Tool(options + ["--cache-dir", "\(folder)/cache"])
            }
            for tool in tools {
                let outcome = try tool.outcome()
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output == cold.output)
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/cache")
            #expect(files.count == 1)
            #expect(files.first?.hasSuffix(".rsx") == true)
        }
    }

    // Guards the order of refusals: one line, a stable code, nothing written.
    @Test(
        arguments: [
            ("index V", 64), ("index V --output -", 64), ("index V --output V", 64),
            ("index --verify V", 65), ("index --verify F/none.rsx", 66),
            ("index F/none.mp4 --output F/x.rsx", 66), ("index V --output F/no/such/x.rsx", 73),
            ("index V --output F/x.rsx --extend --force", 64), ("ask V What? --cache-quota 1G", 64),
            ("ask V What? --glances -1", 64), ("ask V What? --glances some", 64),
            ("ask V What? --glances 2000000", 64),
            ("ask F/none.rsx What?", 66),
        ] as [(String, Int32)])
    func wrongUse(words: String, status: Int32) throws {
        try withFolder { folder in
            let arguments = words.split(separator: " ").map(String.init).map { word in
                word == "V" ? Self.clip : word.replacing("F/", with: folder + "/")
            }
            let outcome = try Tool.run(arguments)
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.errors.contains("rror"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    // Guards a user's file: what is no index is not replaced by one.
    @Test func otherFilesAreNotReplaced() throws {
        try withFolder { folder in
            let path = "\(folder)/notes.txt"
            try "mine".write(toFile: path, atomically: true, encoding: .utf8)
            let outcome = try Tool.run("index", Self.clip, "--output", path)
            #expect(outcome.status == 65)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        }
    }
}
