import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct CommandLineTests {
    static let commands: [[String]] = [
        ["summarize"], ["ask"], ["frames"], ["plan"], ["trace"], ["model"], ["model", "info"],
        ["tokenize"], ["bench"], ["schema"], ["validate"], ["doctor"],
    ]

    @Test(arguments: commands)
    func everyCommandHasHelp(command: [String]) throws {
        let outcome = try Tool.run(command + ["--help"])
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.output.contains("USAGE: reelscribe " + command.joined(separator: " ")))
        if command != ["model"] { #expect(outcome.output.contains("EXAMPLES")) }
    }

    @Test func theRootTeachesAndTellsItsVersion() throws {
        let help = try Tool.run("--help")
        for command in Self.commands { #expect(help.output.contains("  " + command[0])) }
        let version = try Tool.run("--version")
        #expect(version.output == "reelscribe \(ToolRecord.current.version)\n")
    }

    // The help says in words what settings are where nobody asks.
    @Test func theHelpTellsTheDefaults() throws {
        let help = try Tool.run("summarize", "--help").output.split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
        let settings = Settings()
        for (option, value) in [
            ("fps", settings.sampling.fps.description),
            ("sampling", settings.sampling.mode.rawValue),
            ("min-frames", "\(settings.sampling.minFrames)"),
            ("max-frames", "\(Settings.Sampling.standardMaxFrames)"),
            ("input-fps", settings.sampling.inputFPS.description),
            ("window", settings.window.description), ("cuts", settings.cuts.rawValue),
            ("min-segment", settings.minSegment.description),
            ("repetitions", settings.repetitions.rawValue),
            ("chapters", settings.chapters.rawValue), ("mrope", settings.mrope.rawValue),
            ("activations", settings.activations.rawValue),
            ("max-new-tokens", "\(settings.generation.maxNewTokens)"),
            ("temperature", "\(Int(settings.generation.temperature))"),
            ("seed", "\(settings.generation.seed)"),
        ] {
            let text = help.firstRange(of: "--\(option) <").map { help[$0.upperBound...] } ?? ""
            let own =
                text.firstMatch(of: #/ --[a-z-]+ </#).map { text[..<$0.range.lowerBound] } ?? text
            #expect(own.contains("(default: \(value))"), "\(option): \(own)")
        }
    }

    // Wrong use is 64, whatever kind it is, and never a document.
    @Test(arguments: [
        ["ask", "a", " "],
        ["ask", "When?", Repository.path("README.md")], ["nonsense"], ["frames"],
        ["frames", "a", "--fps", "fast"], ["frames", "a", "--fps", "0"],
        ["frames", "a", "b"], ["summarize"], ["summarize", "a", "--start", "1:99"],
        ["summarize", "a", "--start", "5", "--end", "4"], ["summarize", "-one-pixel-.mp4"],
        ["summarize", "a", "--sampling", "other"], ["summarize", "a", "--max-memory", "lots"],
        ["summarize", "a", "--activations", "slow"],
        ["summarize", "a", "--weights", "f8"], ["summarize", "a", "--pretty", "--compact"],
        ["summarize", "a", "--min-pixels", "9", "--max-pixels", "8"],
        ["summarize", "a", "--threads", "0"], ["summarize", "a", "--log-level", "loud"],
        ["ask", "a"], ["ask", "-", "--questions", "-"], ["ask", "a", "q", "--top-p", "2"],
        ["trace", "a", "--prompt", "x"], ["trace", "a", "--output", "x"],
        ["bench", "--size", "3b"], ["bench", "--size", "2b", "--model", "x"],
        ["bench", "--layers", "0"], ["schema", "nothing"], ["validate"],
        ["tokenize", "--jsonl", "text"], ["plan", "a", "--window", "0.5"],
    ])
    func wrongUse(arguments: [String]) throws {
        let outcome = try Tool.run(arguments)
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("Usage: reelscribe"))
    }

    // What was meant stands behind what was wrong.
    @Test(arguments: [
        (["summarize", "a", "--max-tokens", "3"], "Did you mean '--max-new-tokens'?"),
        (["summarize", "a", "--max-new-token", "3"], "Did you mean '--max-new-tokens'?"),
        (["run", "--input", "a", "--output-file", "b"], "Did you mean '--output'?"),
        (["stage", "--input", "x"], "reelscribe stage < jobs.jsonl"),
        (["stage", "--output", "x"], "reelscribe stage > results.jsonl"),
        (["run", "a.yaml", "--max-tokens", "3"], "Did you mean '--max-new-tokens'?"),
        (["run", "a.yaml", "--nonsense", "3"], "Unknown option '--nonsense'\n"),
        (["run", "a.yaml", "--output=x", "b"], "--set folder=b"),
        (["run"], "Give a job file, or a manifest"),
        (["run", "a.yaml", "--input", "b"], "exclude one another"),
        (["run", "a.yaml", "videos"], "--set folder=videos"),
        (["run", "a.yaml", "--set", "folder"], "as in --set folder=VALUE"),
        (["run", "--input", "a", "--output", "b", "--shard", "0/2"], "1/2 to 2/2"),
        (["run", "--input", "a", "--output", "b", "--shard", "two"], "write I/N"),
        (["run", "--input", "a", "--output", "b", "--force", "--retry-all"], "--force does every"),
    ])
    func wrongUseSaysWhatWasMeant(arguments: [String], words: String) throws {
        let outcome = try Tool.run(arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(outcome.errors.contains("Usage: reelscribe"))
    }

    // Both spellings are English.
    @Test func summariseIsSummarize() throws {
        let outcome = try Tool.run("summarise", "/no/such.mp4")
        #expect(outcome.status == 66)
        #expect(try Tool.run("summarise", "--help").output.contains("reelscribe summarize"))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionsAreGenerated(shell: String) throws {
        let outcome = try Tool.run("--generate-completion-script", shell)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("summarize"))
        #expect(outcome.output.contains("max-new-tokens"))
        #expect(outcome.output.contains("activations"))
    }

    @Test(arguments: DocumentKind.allCases)
    func schemasArePrinted(kind: DocumentKind) throws {
        let outcome = try Tool.run("schema", kind.rawValue)
        #expect(outcome.status == 0)
        #expect(outcome.output == kind.schemaText)
    }

    @Test func schemasAreListed() throws {
        let outcome = try Tool.run("schema")
        #expect(outcome.output.split(separator: "\n").count == DocumentKind.allCases.count)
    }

    // A reader that goes away is no fault: no message, no trace.
    @Test func aClosedPipeIsQuiet() throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c", "(sleep 0.3; \"$0\" schema summary; echo $? >&2) | true", Tool.path ?? "",
        ]
        let errors = Pipe()
        shell.standardError = errors
        try shell.run()
        shell.waitUntilExit()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(text == "141\n")
    }

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
    func signalsEndTheRun(signal: Int32, status: Int32) throws {
        let tool = try Tool(["validate", "-"], input: nil)
        Thread.sleep(forTimeInterval: 0.5)
        kill(tool.identifier, signal)
        let outcome = try tool.outcome()
        #expect(outcome.status == status)
    }
}
