import Foundation
import OrderedJSON
import Testing

/// Job files and manifests as a person gives them, mistakes included.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
final class RunJobFileTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("reelscribe-job-\(UUID().uuidString)").path
    private let job = Repository.path("Pipelines/summarise-folder.yaml")

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder + "/v[1]", withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Repository.path("Samples/shapes-and-cuts.mp4"), toPath: folder + "/v[1]/A.MP4")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func run(_ arguments: String...) throws -> Tool.Outcome {
        try Tool.run(["run"] + arguments)
    }

    private func documents(_ name: String = "out.jsonl") throws -> [JSON] {
        try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(separator: "\n")
            .map { try JSON.parse(String($0)) }
    }

    // An option that is typed must count, whatever the file says.
    @Test func theCommandLineGoesOverTheFile() throws {
        let outcome = try run(
            job, "--set", "folder=\(folder)/v[1]", "--set", "output=\(folder)/out.jsonl",
            "--max-new-tokens", "3", "--fps", "2", "--window", "6")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let settings = try documents().first?["settings"]
        #expect(settings?["max_new_tokens"]?.int == 3)
        #expect(settings?["window"]?.int == 6)
    }

    @Test func aWrongFolderIsAnError() throws {
        for (place, status) in [("none", 66), ("v[1]/A.MP4", 66)] as [(String, Int32)] {
            let outcome = try run(
                job, "--set", "folder=\(folder)/\(place)", "--set", "output=\(folder)/out.jsonl")
            #expect(outcome.status == status)
            #expect(outcome.errors.contains("summarise-folder.yaml:11: "), "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/out.jsonl"))
        }
    }

    // Each in the place of the other says what it is, and how it is given.
    @Test func jobFilesAndManifestsAreToldApart() throws {
        let manifest = folder + "/jobs.jsonl"
        try #"{"id":"a","video":"x","task":"summarize"}"#.write(
            toFile: manifest, atomically: false, encoding: .utf8)
        let first = try run(manifest)
        #expect(first.status == 64)
        #expect(first.errors.contains("looks like a manifest"), "\(first.errors)")
        #expect(first.errors.contains("run --input \(manifest)"))
        let second = try run("--input", job, "--output", folder + "/out.jsonl")
        #expect(second.status == 64)
        #expect(second.errors.contains("looks like a job file"), "\(second.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/out.jsonl"))
    }

    // The help says notice for run; a log in JSON is JSON, notices included.
    @Test func noticesAreLogLines() throws {
        let manifest = folder + "/jobs.jsonl"
        try "{\n".write(toFile: manifest, atomically: false, encoding: .utf8)
        let arguments = ["--input", manifest, "--output", folder + "/out.jsonl"]
        _ = try Tool.run(["run"] + arguments)
        let told = try Tool.run(["run"] + arguments)
        #expect(told.errors.contains("reelscribe: notice: 1 of 1 jobs are done already"))
        let quiet = try Tool.run(["run"] + arguments + ["--log-level", "warning"])
        #expect(quiet.errors.split(separator: "\n").count == 1)
        let json = try Tool.run(["run"] + arguments + ["--log-format", "json"])
        let lines = try json.errors.split(separator: "\n").map { try JSON.parse(String($0)) }
        #expect(lines.map { $0["level"]?.string } == ["notice", nil])
        let help = try Tool.run("run", "--help").output
        #expect(help.contains("notice in run"))
    }

    @Test func theModelIsLoadedOnceInLines() throws {
        let outcome = try run(
            job, "--set", "folder=\(folder)/v[1]", "--set", "output=\(folder)/out.jsonl",
            "--max-new-tokens", "3", "--progress", "lines")
        let loading = outcome.errors.split(separator: "\n").filter { $0.contains("loading") }
        #expect(loading == ["reelscribe: loading the model"])
    }
}
