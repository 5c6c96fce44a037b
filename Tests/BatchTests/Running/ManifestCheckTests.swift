import Batch
import Foundation
import Testing
import VideoUnderstanding

/// Guards looks at manifests before a run.
@Suite struct ManifestCheckTests {
    private static let job = #"{"id":"a","video":"https://example.org/v","task":"summarize"}"#

    private func check(_ lines: [String]) -> ValidationReport? {
        ManifestCheck.report(on: Array(lines.joined(separator: "\n").utf8), named: "m")
    }

    @Test func everyLineIsLookedAt() throws {
        let report = try #require(
            check([
                "{", "", Self.job, Self.job.replacing(#""a""#, with: #""b""#), Self.job, "[]",
                #"{"video":"/no/such.mp4","task":"ask","questions":["a"]}"#,
                #"{"video":"~/v.mp4","task":"ask"}"#,
            ]))
        #expect(report.documents == 7)
        #expect(!report.isValid)
        #expect(report.faults.map(\.line) == [1, 5, 6, 8])
        let words = [
            "not valid JSON", "was used before, by line 3", "not a JSON object", "'questions'",
        ]
        for (fault, text) in zip(report.faults, words) {
            #expect(fault.fault.message.contains(text), "\(fault)")
        }
        #expect(report.warnings.map(\.line) == [7])
        #expect(
            report.warnings.first?.fault.message.hasPrefix("/no/such.mp4: no such file") ?? false)
    }

    @Test func manyMissingInputsAreCounted() throws {
        let lines = (1...50).map {
            #"{"id":"\#($0)","video":"/no/\#($0 / 2).mp4","task":"summarize"}"#
        }
        let report = try #require(check(lines))
        #expect(report.isValid)
        #expect(report.warnings.count == 21)
        #expect(report.warnings.last?.fault.message.hasPrefix("from here on 6 more") ?? false)
        #expect(
            DocumentValidator().faults(in: ValidationDocument(file: "m", report: report).json) == []
        )
    }

    // Documents, whatever is wrong with them, are documents.
    @Test(arguments: [
        "", "{}", "[]", #"{"schema":"reelscribe/error@1","video":{"uri":"v"}}"#,
        #"{"video":{"uri":"v"}}"#, #"{"schema":"mine","video":"v","task":"t"}"#, "nonsense",
        #"{"inputs":[{"files":["a"]}],"task":"x"}"#,
    ])
    func othersAreNone(text: String) { #expect(check([text]) == nil) }

    @Test func readyJobFilesAreFoundByName() throws {
        let scratch = try Scratch()
        for path in ["bin", "share/reelscribe/jobs"] {
            try FileManager.default.createDirectory(
                atPath: scratch.path(path), withIntermediateDirectories: true)
        }
        let program = try scratch.write("", to: "bin/reelscribe")
        #expect(ReadyJobFiles(executable: program).names == [])
        #expect(ReadyJobFiles(executable: program).path(of: "b") == "b")
        for name in ["b.yaml", "a.yaml", "notes.txt"] {
            try scratch.write("", to: "share/reelscribe/jobs/\(name)")
        }
        let ready = ReadyJobFiles(executable: program)
        #expect(ready.names == ["a", "b"])
        #expect(ready.path(of: "b") == scratch.path("share/reelscribe/jobs/b.yaml"))
        for name in ["c", "./b", "b.yaml", "-"] { #expect(ready.path(of: name) == name) }
        #expect(ReadyJobFiles(executable: nil).names == [])
        let own = ReadyJobFiles(executable: Repository.path(".build/release/reelscribe"))
        #expect(own.names.contains("summarise-folder"))
    }
}
