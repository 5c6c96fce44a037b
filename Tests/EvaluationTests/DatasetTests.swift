import Evaluation
import Testing
import VideoUnderstanding

@Suite struct DatasetTests {
    private func cases(_ text: String, by field: String? = nil) throws -> [EvaluationCase] {
        let folder = try TemporaryFolder()
        return try Dataset.load(try folder.write(text), categoryField: field).cases
    }

    /// A line with a video and a question, and what was made of the rest.
    static let lines: [(String, ExpectedAnswer)] = [
        (#""answer":"red""#, .text(["red"])),
        (#""answer":["red","crimson"]"#, .text(["red", "crimson"])),
        (#""answer":3"#, .text(["3"])), (#""answer":true"#, .text(["yes"])),
        (#""choices":["x","y"],"answer":"B""#, .choice(["x", "y"], right: 1)),
        (#""choices":["x","y"],"answer":"b.""#, .choice(["x", "y"], right: 1)),
        (#""choices":["x","y"],"answer":"Y""#, .choice(["x", "y"], right: 1)),
        (#""choices":["x","y"],"answer":0"#, .choice(["x", "y"], right: 0)),
        (#""choices":["B","A"],"answer":"A""#, .choice(["B", "A"], right: 1)),
        (#""options":["A. x","B. y"],"answer":"A""#, .choice(["x", "y"], right: 0)),
        (#""options":["A. x","B. y"],"answer":"B. y""#, .choice(["x", "y"], right: 1)),
        (#""options":{"A":"x","B":"y"},"answer":"B""#, .choice(["x", "y"], right: 1)),
        (#""candidates":["x","y"],"correct_choice":1"#, .choice(["x", "y"], right: 1)),
        (#""choices":[3,5],"answer":"5""#, .choice(["3", "5"], right: 1)),
        (#""time":3.5"#, .time([3.5])), (#""time":[1,2]"#, .time([1, 2])),
        (#""time":3,"answer":"at 3 s""#, .time([3])),
        (#""interval":[1,2]"#, .interval([TimeRange(start: 1, end: 2)])),
        (
            #""interval":[[1,2],[4,5]]"#,
            .interval([TimeRange(start: 1, end: 2), TimeRange(start: 4, end: 5)])
        ),
        (#""relevant_windows":[[0,16]]"#, .interval([TimeRange(start: 0, end: 16)])),
        (#""timestamps":[1,2],"answer":"red""#, .text(["red"])),
        (#""timestamp":4"#, .time([4])),
        (#""answerable":false"#, .unanswerable(or: [])),
        (#""answerable":false,"answer":"none""#, .unanswerable(or: ["none"])),
        (#""answerable":true,"answer":"red""#, .text(["red"])),
        (#""answer":null,"time":1"#, .time([1])),
    ]

    @Test(arguments: lines)
    func whatIsRight(rest: String, expectation: ExpectedAnswer) throws {
        let read = try cases(#"{"video":"a.mp4","question":"q?",\#(rest)}"#)
        #expect(read.map(\.expectation) == [expectation])
    }

    @Test func evidenceIsReadBesideTheAnswer() throws {
        let read = try cases(
            #"{"video":"a.mp4","question":"q?","answer":"x","evidence":[1,2.5]}"# + "\n"
                + #"{"video":"a.mp4","question":"q?","answer":"x","evidence":[[1,2],[4,5]]}"# + "\n"
                + #"{"video":"a.mp4","question":"q?","answer":"x"}"#)
        #expect(
            read.map(\.evidence) == [
                [TimeRange(start: 1, end: 2.5)],
                [TimeRange(start: 1, end: 2), TimeRange(start: 4, end: 5)], [],
            ])
    }

    static let faults: [(String, String)] = [
        (
            #"{"video":"a","question":"q","answer":"a","evidence":[2,1]}"#,
            #""evidence" must be [start, end]"#
        ),
        (#"{"question":"q","answer":"a"}"#, #""video" is missing"#),
        (#"{"video":"","question":"q","answer":"a"}"#, #""video" must be a path, not """#),
        (#"{"video":["a"],"question":"q","answer":"a"}"#, #""video" must be a text"#),
        (#"{"video":"a\u0000b","question":"q","answer":"a"}"#, #""video" must be a path"#),
        (#"{"video":"a","answer":"a"}"#, #"one of "question", "query""#),
        (#"{"video":"a","question":"  ","answer":"a"}"#, #""question" must be a text of"#),
        (#"{"video":"a","question":"q"}"#, #"one of "answer", "time", "interval" is missing"#),
        (#"{"video":"a","question":"q","answer":""}"#, #""answer" must be a text"#),
        (#"{"video":"a","question":"q","answer":[]}"#, #""answer" must be a text"#),
        (#"{"video":"a","question":"q","answer":{"x":1}}"#, #""answer" must be a text"#),
        (#"{"video":"a","question":"q","time":NaN}"#, "not valid JSON"),
        (#"{"video":"a","question":"q","time":1e400}"#, #""time" must be seconds"#),
        (#"{"video":"a","question":"q","time":-1}"#, #""time" must be seconds"#),
        (#"{"video":"a","question":"q","time":"3"}"#, #""time" must be seconds"#),
        (#"{"video":"a","question":"q","time":[]}"#, #""time" must be seconds"#),
        (#"{"video":"a","question":"q","interval":[5,2]}"#, #""interval" must be [start, end]"#),
        (#"{"video":"a","question":"q","interval":[2,2]}"#, #""interval" must be [start, end]"#),
        (#"{"video":"a","question":"q","interval":[1,2,3]}"#, #""interval" must be [start"#),
        (#"{"video":"a","question":"q","interval":[]}"#, #""interval" must be [start"#),
        (#"{"video":"a","question":"q","interval":[0,1e300]}"#, #""interval" must be [start"#),
        (#"{"video":"a","query":"q","relevant_windows":[]}"#, #""relevant_windows" must be"#),
        (#"{"video":"a","question":"q","choices":["x"],"answer":"A"}"#, "2 to 26 texts"),
        (#"{"video":"a","question":"q","choices":["x","y"]}"#, #""answer" is missing"#),
        (#"{"video":"a","question":"q","choices":["x","y"],"answer":"C"}"#, #""C" is none of"#),
        (#"{"video":"a","question":"q","choices":["x","y"],"answer":7}"#, #""7" is none of"#),
        (#"{"video":"a","question":"q","answerable":"no"}"#, "must be true or false"),
        (#"{"video":"a","task":"summarize"}"#, #"one of "mentions", "forbidden" is missing"#),
        (#"{"video":"a","task":"summarize","mentions":[{}]}"#, #""mentions" must be a list"#),
        (#"{"video":"a","task":"summarize","mentions":["?"]}"#, #""mentions" must be a list"#),
        (
            #"{"video":"a","task":"summarize","mentions":[{"text":"x","interval":[2,1]}]}"#,
            #""mentions" must be a list"#
        ),
        ("[1]", "not a JSON object"), ("7", "not a JSON object"), ("{", "not valid JSON"),
    ]

    // Guards the border: a dataset is refused as a whole, with the line, before a model is loaded.
    @Test(arguments: faults)
    func badLines(line: String, message: String) throws {
        let sound = #"{"video":"a","question":"q","answer":"a"}"#
        let failure = #expect(throws: Failure.self) { try cases("\(sound)\n\n\(line)\n") }
        #expect(failure?.code == .jobInvalid)
        #expect(failure?.status == .badInput)
        #expect(failure?.message.contains("line 3: ") == true, "\(failure?.message ?? "")")
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }

    static let names: [(String, String?)] = [
        ("anwser", "answer"), ("Answer", "answer"), ("answerble", "answerable"),
        ("video-path", "video_path"), ("tiem", "time"), ("intervals", "interval"),
        ("mention", "mentions"), ("relevant_window", "relevant_windows"), ("choics", "choices"),
        // Fields of datasets that mean something else.
        ("duration", nil), ("domain", nil), ("sub_category", nil), ("url", nil), ("type", nil),
        ("title", nil), ("subtitles", nil), ("relevant_clip_ids", nil), ("saliency_scores", nil),
        ("start", nil), ("end", nil), ("fps", nil), ("split", nil), ("text", nil), ("q", nil),
    ]

    @Test(arguments: names)
    func misspeltFieldsAreNamed(name: String, meant: String?) throws {
        let folder = try TemporaryFolder()
        let line = #"{"video":"a","question":"q","answer":"a","\#(name)":1}"#
        let sound = #"{"video":"a","question":"q","answer":"a"}"#
        let set = try Dataset.load(try folder.write("\(sound)\n\(line)\n\(line)\n"))
        let expected = meant.map {
            [LineFault(line: 2, reason: .misspelt(field: name, meant: $0))]
        }
        #expect(set.misspelt == expected ?? [])
    }

    // Where a line lacks what is misspelt, the reader is told what to mend.
    @Test func aMissingFieldMayBeMisspelt() throws {
        let failure = #expect(throws: Failure.self) {
            try cases(#"{"video":"a","question":"q","anwser":"a"}"#)
        }
        #expect(failure?.message.contains("is missing; line 1: there is no field") == true)
    }

    @Test func longTextsAreRefused() throws {
        let long = String(repeating: "x", count: 40_000)
        let failure = #expect(throws: Failure.self) {
            try cases(#"{"video":"a","question":"\#(long)","answer":"a"}"#)
        }
        #expect(failure?.message.contains("at most 32768 bytes") == true)
    }

    @Test func onlyTheFirstFaultsAreSpelledOut() throws {
        let failure = #expect(throws: Failure.self) {
            try cases(String(repeating: "{}\n", count: 50))
        }
        #expect(failure?.message.contains("line 5: ") == true)
        #expect(failure?.message.hasSuffix("and 45 more") == true)
    }

    @Test(arguments: ["", "\n\n", "[]"])
    func nothingIsNoDataset(text: String) throws {
        let failure = #expect(throws: Failure.self) { try cases(text) }
        #expect(failure?.message.hasSuffix("the dataset is empty") == true)
    }

    @Test func videoMMEFlatAndNested() throws {
        let flat = """
            [{"video_id":"001","duration":"short","domain":"Knowledge","videoID":"fFj","question_id":"001-1",
              "task_type":"Counting","question":"How many?","options":["A. One.","B. Two."],"answer":"B"}]
            """
        let nested = """
            [{"video_id":"001","duration":"short","videoID":"fFj","questions":[
              {"question_id":"001-1","task_type":"Counting","question":"How many?",
               "choices":["A. One.","B. Two."],"answer":"B"},
              {"question_id":"001-2","task_type":"OCR","question":"What?",
               "choices":["A. x","B. y"],"answer":"A"}]}]
            """
        for text in [flat, nested] {
            let read = try cases(text)
            #expect(read[0].id == "001-1")
            #expect(read[0].category == "Counting")
            #expect(read[0].line == 1)
            #expect(read[0].expectation == .choice(["One.", "Two."], right: 1))
            #expect(read[0].video.hasSuffix("/fFj"))
            let byDuration = try cases(text, by: "duration")
            #expect(byDuration[0].category == "short")
        }
        #expect(try cases(nested).map(\.id) == ["001-1", "001-2"])
    }

    @Test func groundingSets() throws {
        let wanted = [TimeRange(start: 0, end: 6.9)]
        for text in [
            #"{"vid":"AO8RW","query":"a person walks","duration":30,"relevant_windows":[[0,6.9]]}"#,
            #"{"video":"AO8RW","sentence":"a person walks","times":[0,6.9]}"#,
            #"{"AO8RW":{"duration":30,"timestamps":[[0,6.9]],"sentences":["a person walks"]}}"#,
            "AO8RW 0.0 6.9##a person walks\r\n",
        ] {
            let read = try cases(text)
            #expect(read.count == 1)
            #expect(read[0].isEvent)
            #expect(read[0].question == "a person walks")
            #expect(read[0].expectation == .interval(wanted))
            #expect(read[0].video.hasSuffix("/AO8RW"))
        }
        let several = try cases(
            #"{"v_1":{"timestamps":[[0,1],[1,2]],"sentences":["x","y"]},"v_2":{"timestamps":[[0,1]],"sentences":["z"]}}"#
        )
        #expect(several.map(\.question) == ["x", "y", "z"])
        #expect(several.map(\.line) == [1, 1, 2])
    }

    @Test func videosAreFoundWithFolderAndExtension() throws {
        let folder = try TemporaryFolder()
        try folder.write("", "clips/one.mkv")
        try folder.write("", "two.mp4")
        let set = try folder.write(
            ["one", "two", "two.mp4", "/abs/x.mp4", "http://h/x.mp4", "none"].map {
                #"{"video":"\#($0)","question":"q","answer":"a"}"#
            }.joined(separator: "\n"))
        let found = try Dataset.load(set, videos: "\(folder.path)/clips").cases.map(\.video)
        #expect(
            found == [
                "\(folder.path)/clips/one.mkv", "\(folder.path)/two.mp4", "\(folder.path)/two.mp4",
                "/abs/x.mp4", "http://h/x.mp4", "\(folder.path)/clips/none",
            ])
    }
}
