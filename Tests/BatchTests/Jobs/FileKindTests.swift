import Batch
import Foundation
import Testing
import VideoUnderstanding

/// Guards against a file in the wrong place being taken apart line by line: it is told at once what
/// it looks like, and what to do with it.
@Suite struct FileKindTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write("x", to: "seen here")
    }

    static let summary = #"{"schema":"reelscribe/summary@1","id":"a","video":{"uri":"v"}}"#
    static let job = #"{"id":"a","video":"v","task":"summarize"}"#

    static let others: [(name: String, text: String, kind: FileKind, hint: String)] = [
        ("list.txt", "a.mp4\nb/c.MKV\n", .names, #"jq -Rc '{video: ., task: "summarize"}' "#),
        ("crlf.txt", "a b.mp4\r\nc.mov\r\n", .names, "jq -Rc"),
        ("urls.txt", "https://example.org/1\ns3://bucket/2\n", .names, "jq -Rc"),
        ("one", "\n\nvideo.webm", .names, "jq -Rc"),
        ("strings", "\"a.mp4\"\n\"b\"\n", .quotedNames, #"jq -c '{video: ., task: "summarize"}' "#),
        ("array", "[" + job + "]", .list, "jq -c '.[]' "),
        ("pretty", "[\n " + job + ",\n " + job + "\n]\n", .list, "jq -c '.[]' "),
        ("empty", "[]", .list, "jq -c '.[]' "),
        ("spread", "{\n\"video\": \"v\",\n\"task\": \"ask\"\n}", .spreadObject, "jq -c . "),
        ("prose", "hello\nthere\n", .text, "a job is {"),
        ("r.jsonl", summary + "\n", .documents(schema: "reelscribe/summary@1"), "validate "),
        (
            "one.json", "{\n\"schema\": \"reelscribe/error@1\"\n}\n",
            .documents(schema: "reelscribe/error@1"), "validate "
        ),
        (
            "r.jsonl.journal", #"{"journal":"reelscribe/run-journal@1"}"# + "\n", .journal,
            "made from"
        ),
        ("job.yaml", "inputs: [{files: [a.mp4]}]\ntasks: []", .jobFile, "reelscribe run "),
    ]

    @Test(arguments: others)
    func isNoManifest(
        row: (name: String, text: String, kind: FileKind, hint: String)
    ) throws {
        let path = try scratch.write(row.text, to: row.name)
        try expect(row.kind, row.hint, path) { try Manifest.reading(path) }
    }

    static let heads: [(bytes: [UInt8], kind: FileKind, hint: String)] = [
        ([0, 0, 0, 0x20] + Array("ftypisom".utf8), .binary, "reelscribe summarize "),
        ([0x1A, 0x45, 0xDF, 0xA3, 0x42], .binary, "reelscribe summarize "),
        (Array("RIFF".utf8) + [9, 0, 0, 0] + Array("AVI ".utf8), .binary, "summarize "),
        ([0xE9, 0x74, 0xE9, 0x0A, 0x61, 0x0A], .binary, "summarize "),
        ([0x1F, 0x8B, 8, 0], .compressed(by: "gzip -dc"), "gzip -dc "),
        ([0x28, 0xB5, 0x2F, 0xFD, 0], .compressed(by: "zstd -dc"), "zstd -dc "),
        ([0xFF, 0xFE, 0x7B, 0], .utf16, "iconv -f UTF-16 -t UTF-8 "),
    ]

    @Test(arguments: heads)
    func isNoText(row: (bytes: [UInt8], kind: FileKind, hint: String)) throws {
        let path = scratch.path("a b")
        try Data(row.bytes).write(to: URL(fileURLWithPath: path))
        try expect(row.kind, row.hint + "'\(path)'", path) { try Manifest.reading(path) }
        try expect(row.kind, row.hint, path, .jobFile) {
            try JobFile.reading(path, base: Settings())
        }
    }

    // Read no further than its head, however long it is.
    @Test func aLongVideoIsNotRead() throws {
        let path = scratch.path("long.mp4")
        try Data([0, 0, 0, 0x20]).write(to: URL(fileURLWithPath: path))
        #expect(truncate(path, 1 << 40) == 0)
        try expect(.binary, "summarize", path) { try Manifest.reading(path) }
    }

    @Test func aFolderIsNeither() throws {
        let path = scratch.folder
        try expect(.folder, "run summarise-folder --set folder=", path) {
            try Manifest.reading(path)
        }
        try expect(.folder, "run summarise-folder --set folder=", path, .jobFile) {
            try JobFile.reading(path, base: Settings())
        }
    }

    @Test(arguments: others.filter { ![.text, .spreadObject, .jobFile].contains($0.kind) })
    func isNoJobFile(
        row: (name: String, text: String, kind: FileKind, hint: String)
    ) throws {
        let path = try scratch.write(row.text, to: row.name)
        try expect(row.kind, row.hint, path, .jobFile) {
            try JobFile.reading(path, base: Settings())
        }
    }

    // What is there under a name is a name, whatever it is called.
    @Test func whatIsThereIsAName() throws {
        let path = try scratch.write(scratch.path("seen here") + "\n", to: "list")
        try expect(.names, "jq -Rc", path) { try Manifest.reading(path) }
    }

    @Test func aMergeIsToldWhatItCanDo() throws {
        let path = try scratch.write("inputs: [{files: [a]}]", to: "job.yaml")
        try expect(.jobFile, "leave --manifest out", path, .order) {
            try Manifest.reading(path, for: .order)
        }
    }

    // Bad lines are jobs that fail, not another kind of file.
    @Test(arguments: [
        "{", "[]\n[]", "{\"video\":1}", "a.mp4\n" + job, "\u{FEFF}" + job, "{\n" + job,
        job + "\n" + summary, "{\u{0}}", "",
    ])
    func badManifestsStayManifests(text: String) throws {
        let path = try scratch.write(text, to: "jobs.jsonl")
        #expect(try Manifest.reading(path).count == text.split(separator: "\n").count)
    }

    private func expect(
        _ kind: FileKind, _ hint: String, _ path: String, _ use: FileUse = .manifest,
        from body: () throws -> Any
    ) throws {
        let error = #expect(throws: BatchError.self) { _ = try body() }
        #expect(error == .wrongKind(path: path, kind, givenAs: use))
        let failure = try #require(error?.failure)
        #expect(failure.status == .usage)
        #expect(failure.message.hasPrefix("\(path) looks like "), "\(failure.message)")
        #expect(failure.hint?.contains(hint) ?? false, "\(failure.hint ?? "")")
    }
}
