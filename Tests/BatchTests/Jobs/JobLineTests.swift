import Batch
import OrderedJSON
import Testing
import VideoUnderstanding

/// Guards the border with other people's manifests: nothing a line says may be lost, guessed at, or
/// bring the batch down.
@Suite struct JobLineTests {
    private func parse(_ text: String, line: Int = 7, base: Settings = Settings()) -> JobLine {
        JobLine.parse(Array(text.utf8), line: line, base: base)
    }

    private func job(_ text: String, base: Settings = Settings()) throws -> Job {
        guard case .job(let job) = parse(text, base: base) else {
            Issue.record("no job: \(parse(text))")
            throw Failure(.jobInvalid, stage: .options, message: text)
        }
        return job
    }

    private func invalid(_ bytes: [UInt8]) throws -> InvalidJob {
        let line = JobLine.parse(bytes, line: 7, base: Settings())
        guard case .invalid(let job) = line else {
            Issue.record("taken for a job: \(line)")
            throw Failure(.jobInvalid, stage: .options, message: "")
        }
        return job
    }

    @Test func aJobIsReadAsItStands() throws {
        let text =
            #"{"id":"a","video":"v.mp4","task":"ask","questions":["Who?","What?"],"#
            + #""options":{"fps":"30000/1001","seed":18446744073709551615},"meta":{"b":1.50,"a":[null]}}"#
        let job = try job(text)
        #expect(job.id == "a")
        #expect(job.task == .ask(["Who?", "What?"]))
        #expect(job.settings.sampling.fps == Rational(30000, 1001))
        #expect(job.settings.generation.seed == .max)
        // Digits and order of what is carried through.
        #expect(job.meta?.compact == #"{"b":1.50,"a":[null]}"#)
    }

    // Tables write null for what a row lacks.
    @Test func nullIsAbsent() throws {
        let job = try job(
            #"{"id":null,"video":"v","task":"summarize","questions":null,"options":null}"#)
        #expect(job.id.utf8.count == 32)
        #expect(job.meta == nil)
        #expect(job.settings == Settings())
    }

    // The id is how other programs find a result again: it must not change between versions, nor
    // with the white space around a line. Digest by coreutils' sha256sum.
    @Test func theDefaultIDIsTheHashOfTheLine() throws {
        let text = #"{"video":"v","task":"summarize"}"#
        let expected = "48ac9473b9f2933a748ba07810707fcc"
        #expect(JobLine.defaultID(of: Array(text.utf8)) == expected)
        for variant in [text + "\r", "  " + text + "\t ", text + "\r\n"] {
            #expect(try job(variant).id == job(text).id)
        }
        #expect(try job(text.replacing(":", with: ": ")).id != job(text).id)
    }

    static let faults: [(String, String)] = [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        (#"{"video":"v","task":"summarize"} {}"#, "not valid JSON"),
        ("[1]", "not a JSON object"),
        (#"{"task":"summarize"}"#, "'video' is missing"),
        (#"{"video":"","task":"summarize"}"#, "'video' must be"),
        (#"{"video":"-","task":"summarize"}"#, "'video' must be"),
        (#"{"video":"a\u0000b","task":"summarize"}"#, "'video' must be"),
        (#"{"video":3,"task":"summarize"}"#, "'video' must be a text, not 3"),
        (#"{"video":"v"}"#, "'task' is missing"),
        (#"{"video":"v","task":"summarise"}"#, #"'task' must be "summarize" or "ask""#),
        (#"{"video":"v","task":"ask"}"#, "'questions' is missing"),
        (
            #"{"video":"v","task":"ask","questions":[]}"#,
            "'questions' must be a list of one or more questions, not an empty list"
        ),
        (
            #"{"video":"v","task":"ask","questions":["a",""]}"#,
            "'questions[1]' must be a text with something in it, not \"\""
        ),
        (#"{"video":"v","task":"ask","questions":"a"}"#, "'questions' must be"),
        (#"{"video":"v","task":"summarize","questions":["a"]}"#, "'questions' belongs"),
        (#"{"video":"v","task":"summarize","video":"w"}"#, "'video' stands twice"),
        (#"{"video":"v","task":"summarize","question":"a"}"#, "no member 'question'"),
        (#"{"id":5,"video":"v","task":"summarize"}"#, "'id' must be a text, not 5"),
        (#"{"id":"","video":"v","task":"summarize"}"#, "'id' must be"),
        (#"{"video":"v","task":"summarize","options":[]}"#, "'options' must be an object"),
        (
            #"{"video":"v","task":"ask","questions":[["a"]]}"#,
            "'questions[0]' must be a text with something in it, not a list"
        ),
    ]

    @Test(arguments: faults)
    func aBadLineSaysWhatIsWrong(text: String, message: String) throws {
        let invalid = try invalid(Array(text.utf8))
        #expect(invalid.failure.code == .jobInvalid)
        #expect(invalid.failure.message.hasPrefix("line 7: "))
        #expect(invalid.failure.message.contains(message), "\(invalid.failure.message)")
        #expect(DocumentValidator().faults(in: invalid.document.json) == [])
    }

    @Test func hostileBytesAreInvalidJobs() throws {
        #expect(try invalid([0xFF, 0xFE, 0x00]).failure.message.contains("not valid JSON"))
        #expect(try invalid([0x22, 0xFF, 0x22]).failure.message.contains("not UTF-8"))
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(try invalid(deep).failure.message.contains("nested deeper"))
        let long = [UInt8](repeating: UInt8(ascii: " "), count: JobLine.longest + 1)
        #expect(try invalid(long).failure.message.contains("more than 16777216"))
    }

    // A program that sent the job must be able to tell which one failed.
    @Test func aFaultKeepsWhatNamesTheJob() throws {
        let invalid = try invalid(
            Array(#"{"id":"a","video":"v","task":"summarize","meta":1,"options":{"fsp":1}}"#.utf8))
        #expect(invalid.id == "a")
        let document = invalid.document.json
        #expect(document["meta"]?.int == 1)
        #expect(document["video"]?["uri"]?.string == "v")
    }

    static let wrongOptions: [(String, String)] = [
        (#"{"min_frames":2}"#, "no option 'min_frames': did you mean 'min-frames'?"),
        (#"{"--fps":2}"#, "did you mean 'fps'?"),
        (#"{"nonsense":2}"#, "no option 'nonsense'"),
        (#"{"weights":"f32"}"#, "'weights' is not a job's"),
        (#"{"activations":"fast"}"#, "'activations' is not a job's"),
        (#"{"allow-references":true}"#, "'allow-references' is not a job's"),
        (#"{"fps":-1}"#, "'fps' must be a rate"),
        (#"{"fps":true}"#, "'fps' must be a rate"),
        (#"{"fps":1e400}"#, "'fps' must be a rate"),
        (#"{"start":"soon"}"#, "'start' must be a time"),
        (#"{"start":5,"end":5}"#, "--end must lie after --start"),
        (#"{"max-frames":1.5}"#, "'max-frames' must be a whole number"),
        (#"{"max-frames":2}"#, "--max-frames 2"),
        (#"{"max-new-tokens":"9"}"#, "'max-new-tokens' must be a whole number, not \"9\""),
        (#"{"detail":"tiny"}"#, #"'detail' must be one of "low", "medium", "high""#),
        (#"{"seed":-1}"#, "'seed' must be"),
        (#"{"temperature":1e999}"#, "'temperature' must be"),
        (#"{"fps":1,"fps":2}"#, "'fps' stands twice"),
    ]

    @Test(arguments: wrongOptions)
    func wrongOptionsAreNamed(options: String, message: String) throws {
        let invalid = try invalid(
            Array(#"{"video":"v","task":"summarize","options":\#(options)}"#.utf8))
        #expect(invalid.failure.message.contains(message), "\(invalid.failure.message)")
    }

    @Test func optionsOfTheOtherTaskAreRefused() throws {
        let invalid = try invalid(
            Array(#"{"video":"v","task":"ask","questions":["a"],"options":{"window":5}}"#.utf8))
        #expect(invalid.failure.message.contains("'window' means nothing to the task ask"))
    }

    private func asking(_ options: String) -> String {
        #"{"video":"v","task":"ask","questions":["a"],"options":\#(options)}"#
    }

    @Test(arguments: [
        (#"{"choices":["a,b","c"]}"#, AnswerShape.choices(["a,b", "c"])),
        (#"{"choices":"a, b"}"#, .choices(["a", "b"])),
        (#"{"shape":"yes-no"}"#, .builtIn(.yesNo)),
        (#"{"json-schema":{"type":"null"}}"#, .schema(["type": "null"])),
        (#"{"shape":null,"choices":"a,b"}"#, .choices(["a", "b"])),
    ])
    func shapesOfAnswersAreRead(options: String, shape: AnswerShape) throws {
        var base = Settings()
        base.answerShape = .choices(["x", "y"])
        #expect(try job(asking(options), base: base).settings.answerShape == shape)
        #expect(try job(asking("{}"), base: base).settings.answerShape == base.answerShape)
    }

    // A job must fail before anything runs, and say where its schema is wrong.
    @Test(arguments: [
        (#"{"json-schema":{"properties":{"a":{"not":true}}}}"#, "/properties/a/not: the keyword"),
        (#"{"json-schema":"s.json"}"#, "'json-schema' must be a JSON Schema: an object"),
        (#"{"choices":["a"]}"#, "1 choices; there must be 2"),
        (#"{"choices":["a",1]}"#, "'choices' must be a list of labels"),
        (#"{"shape":"circle"}"#, "'shape' must be one of"),
        (#"{"choices":"a,b","shape":"events"}"#, "'choices' and 'shape' exclude one another"),
    ])
    func wrongShapesAreNamed(options: String, message: String) throws {
        let invalid = try invalid(Array(asking(options).utf8))
        #expect(invalid.failure.message.contains(message), "\(invalid.failure.message)")
        #expect(invalid.failure.code == .jobInvalid)
    }

    @Test func optionsGoOverTheRunsSettings() throws {
        var base = Settings()
        base.generation.maxNewTokens = 9
        base.sampling.fps = Rational(1)
        let job = try job(
            #"{"video":"v","task":"summarize","options":{"fps":0.5,"start":"1:02.5","window":null}}"#,
            base: base)
        #expect(job.settings.generation.maxNewTokens == 9)
        #expect(job.settings.sampling.fps == Rational(1, 2))
        #expect(job.settings.sampling.start?.seconds == Rational(125, 2))
        #expect(job.settings.window == Rational(30))
    }
}
