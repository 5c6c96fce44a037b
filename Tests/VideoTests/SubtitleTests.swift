import Foundation
import Testing
import Video

@Suite struct SubtitleFileTests {
    private func cues(_ text: String) -> [SubtitleCue]? { SubtitleFile(Array(text.utf8))?.cues }

    static let plain = [
        SubtitleCue(start: 1, end: 2.5, text: "Hello there."),
        SubtitleCue(start: 3, end: 4, text: "Two lines."),
    ]

    // What is in the wild: other line ends, no numbers, no empty lines, settings, no hours.
    @Test(arguments: [
        "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\nTwo\nlines.\n",
        "\u{FEFF}1\r\n00:00:01,000 --> 00:00:02,500\r\nHello there.\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nTwo\r\nlines.",
        "1\r00:00:01.000-->00:00:02.5\rHello there.\r\r2\r0:00:03.000  -->  0:00:04\rTwo\rlines.",
        "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n2\n00:00:03,000 --> 00:00:04,000\nTwo\nlines.\n",
        "WEBVTT - a title\n\nNOTE 00:00 -- > not a cue\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.500 align:start position:10%\nHello there.\n\n00:03.000 --> 00:04.000\nTwo\nlines.\n",
        "2\n00:00:03,000 --> 00:00:04,000\nTwo\nlines.\n\n1\n00:00:01,000 --> 00:00:02,500\nHello there.\n",
        "garbage\n\n1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n\n\n\n2\n00:00:03,000 --> 00:00:04,000 X1:10 X2:20\nTwo\n lines. \n\n3\n00:00:05,000 --> 00:00:06,000\n \n",
    ])
    func formsAreRead(text: String) { #expect(cues(text) == Self.plain) }

    @Test(arguments: [
        ("<i>a</i> <font color=\"x\">b</font>", "a b"), ("{\\an8}{\\i1}a{\\i0} b", "a b"),
        ("1 < 2 > 0 <3", "1 < 2 > 0 <3"), ("<unknown>a", "<unknown>a"), ("{note} a", "{note} a"),
        ("a &amp; b", "a &amp; b"), ("a\u{0}b\u{1B}[31m", "ab[31m"), ("a\u{202E}b", "ab"),
        ("<|im_end|> <|vision_start|>", "<|im_end|> <|vision_start|>"),
        ("<i>a<b", "a<b"), ("<<<<i>x", "<<<x"), ("a<br/>b", "a b"),
    ])
    func subRipLosesItsMarkup(text: String, words: String) {
        let read = cues("1\n00:00:01,000 --> 00:00:02,000\n\(text)\n")
        #expect(read?.map(\.text) == [words])
    }

    @Test(arguments: [
        ("<v Fred>Hi <c.loud>you</c></v>", "Fred: Hi you"),
        ("a &lt;b&gt; &amp; c&nbsp;d", "a <b> & c d"),
        ("<00:00:01.500>word", "word"), ("&#65;&#x42;&bogus;", "AB&bogus;"),
        ("<ruby>a<rt>b</rt>", "ab"),
    ])
    func webVTTLosesItsMarkup(text: String, words: String) {
        let read = cues("WEBVTT\n\n00:01.000 --> 00:02.000\n\(text)\n")
        #expect(read?.map(\.text) == [words])
    }

    @Test(
        arguments: [
            (true, [0xFF, 0xFE]), (false, [0xFE, 0xFF]), (true, []), (false, []),
        ] as [(Bool, [UInt8])])
    func utf16IsRead(littleEndian: Bool, mark: [UInt8]) throws {
        let text = "1\n00:00:01,000 --> 00:00:02,000\nÄpfel 漢\n"
        let bytes = text.utf16.flatMap { unit in
            let pair = [UInt8(unit & 255), UInt8(unit >> 8)]
            return littleEndian ? pair : pair.reversed()
        }
        let file = try #require(SubtitleFile(mark + bytes))
        #expect(file.cues.map(\.text) == ["Äpfel 漢"] && !file.isLatin1)
    }

    @Test func otherBytesAreWindows1252() throws {
        let bytes =
            Array("1\n00:00:01,000 --> 00:00:02,000\nCaf".utf8) + [0xE9, 0x20, 0x93, 0x41, 0x94]
        let file = try #require(SubtitleFile(bytes))
        #expect(file.cues.map(\.text) == ["Café \u{201C}A\u{201D}"] && file.isLatin1)
    }

    // Nothing that a file holds may stop the reading, take for ever, or become a time.
    @Test(arguments: [
        "", "\n", "WEBVTT", "no subtitles at all", "1\n00:00:01,000 --> \nx\n", "-->", "--> -->",
        "00:00:99999999,0 --> 00:00:01,000\nx\n", "1\n00:00:02,000 --> 00:00:01,000\nx\n",
        "1\n9999999:00:00,000 --> 9999999:00:01,000\nx\n", "-1:00 --> 00:02\nx",
        "1:2:3:4 --> 5:6:7:8\nx", "nan --> inf\nx", "1e3 --> 2e3\nx",
    ])
    func damageIsNoCue(text: String) { #expect(cues(text) == nil) }

    @Test func damageIsCounted() throws {
        let text =
            "1\n00:00:02,000 --> 00:00:01,000\nback\n\n2\n00:00:xx --> 00:00:03\nbad\n\n3\n00:00:03,000 --> 00:00:04,000\ngood\n"
        let file = try #require(SubtitleFile(Array(text.utf8)))
        #expect(file.cues.map(\.text) == ["good"] && file.damaged == 2)
    }

    @Test(.timeLimit(.minutes(1)))
    func hostileFilesTakeLinearTime() {
        for piece in ["<", "{\\", "&", "-->\n", "<i", "1\n", "{\\p1", "\u{301}"] {
            let text =
                "1\n00:00:01,000 --> 00:00:02,000\n"
                + String(repeating: piece, count: 400_000) + "\n"
            let read = cues(text)
            #expect(read.map { $0.allSatisfy { $0.text.utf8.count <= 4096 } } ?? true)
        }
        let many = (0..<150_000).map {
            "\($0)\n00:00:00,\($0 % 1000) --> 01:00:00,000\nline \($0)\n\n"
        }
        #expect(cues(many.joined())?.count == 100_000)
    }

    // Captions that roll repeat their lines; one cue of them is enough.
    @Test func repetitionsAreJoined() {
        let cues = [
            SubtitleCue(start: 2, end: 3, text: "a"), SubtitleCue(start: 1, end: 2, text: "a"),
            SubtitleCue(start: 3.05, end: 5, text: "a"), SubtitleCue(start: 9, end: 10, text: "a"),
        ].ordered()
        #expect(
            cues == [
                SubtitleCue(start: 1, end: 5, text: "a"),
                SubtitleCue(start: 9, end: 10, text: "a"),
            ])
    }

    @Test func filesBesideAreFound() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("beside-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder + "/talk.de.srt/x", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in [
            "talk.mp4", "talk.vtt", "talk.fr.vtt", "talk.EN.srt", "talk.SRT", "talk.txt",
            "talk.part.two.srt", "talk2.srt", "other.srt", "talk.srt.bak", "talk.12.srt",
        ] {
            try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let names = SubtitlesBeside.paths(of: "\(folder)/talk.mp4").map {
            URL(fileURLWithPath: $0).lastPathComponent
        }
        #expect(names == ["talk.SRT", "talk.vtt", "talk.EN.srt", "talk.fr.vtt"])
        #expect(SubtitlesBeside.paths(of: "\(folder)/nothing.mp4") == [])
        #expect(SubtitlesBeside.paths(of: "/no/such/folder/a.mp4") == [])
    }
}

/// Containers with subtitles, made by the ffmpeg program.
@Suite(
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg"),
        "ffmpeg is not installed"))
struct EmbeddedSubtitleTests {
    private static let text = """
        1
        00:00:00,500 --> 00:00:02,000
        <i>First</i> & <b>bold</b> <|im_end|>

        2
        00:00:02,000 --> 00:00:02,750
        Second
        line

        3
        00:00:03,000 --> 00:00:03,900
        {\\an8}Third

        """

    private func container(
        _ name: String, _ arguments: [String], _ body: (VideoInput) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("embedded-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let subtitles = folder.appendingPathComponent("s.srt")
        try Self.text.write(to: subtitles, atomically: false, encoding: .utf8)
        let file = folder.appendingPathComponent(name).path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        process.arguments =
            ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64:r=10:d=4", "-i", subtitles.path]
            + arguments + [file]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        try body(.file(path: file))
    }

    private func read(_ input: VideoInput) throws -> EmbeddedSubtitles {
        try EmbeddedSubtitles.read(input, limits: .standard, allowReferences: false)
    }

    @Test(arguments: [
        ("a.mp4", "mov_text", "mov_text"), ("a.mkv", "srt", "subrip"), ("a.mkv", "ass", "ass"),
        ("a.mkv", "webvtt", "webvtt"), ("a.webm", "webvtt", "webvtt"),
    ])
    func textStreamsAreRead(name: String, codec: String, found: String) throws {
        let video = name.hasSuffix("webm") ? ["-c:v", "libvpx"] : ["-c:v", "mpeg4"]
        try container(
            name, video + ["-c:s", codec, "-metadata:s:s:0", "language=eng"]
        ) { input in
            let subtitles = try read(input)
            #expect(subtitles.stream?.codec == found)
            #expect(subtitles.stream?.language == "eng")
            // To FFmpeg's decoder of WebVTT every pair of angle brackets is a tag.
            let first = codec == "webvtt" ? "First & bold" : "First & bold <|im_end|>"
            #expect(subtitles.cues.map(\.text) == [first, "Second line", "Third"])
            #expect(subtitles.cues.map { ($0.start * 100).rounded() / 100 } == [0.5, 2, 3])
            #expect(
                zip(subtitles.cues.map(\.end), [2, 2.75, 3.9]).allSatisfy { abs($0 - $1) < 0.02 })
            #expect(subtitles.damaged == 0 && subtitles.others.isEmpty)
        }
    }

    // The times of a file that begins late are those of its presentation.
    @Test func timesAreThoseOfThePresentation() throws {
        try container(
            "a.mkv", ["-c:v", "mpeg4", "-c:s", "srt", "-output_ts_offset", "10"]
        ) { input in
            let subtitles = try read(input)
            #expect(subtitles.startTime > 9)
            #expect(subtitles.cues.map { ($0.start * 100).rounded() / 100 } == [0.5, 2, 3])
        }
    }

    @Test func theDefaultStreamIsRead() throws {
        try container(
            "a.mkv",
            [
                "-map", "0:v", "-map", "1", "-map", "1", "-map", "1", "-c:v", "mpeg4", "-c:s",
                "srt",
                "-disposition:s:0", "forced", "-disposition:s:1", "0", "-disposition:s:2",
                "default",
            ]
        ) { input in
            let subtitles = try read(input)
            #expect(subtitles.stream?.index == 3)
            #expect(subtitles.others.map(\.index) == [1, 2])
            #expect(subtitles.cues.count == 3)
        }
    }

    // Blu-ray subtitles, of which the smallest are a screen without objects.
    @Test func picturesOfWordsAreNamed() throws {
        func segment(_ kind: UInt8, _ time: UInt32, _ data: [UInt8]) -> [UInt8] {
            let stamp = withUnsafeBytes(of: (time * 90_000).bigEndian) { Array($0) }
            return Array("PG".utf8) + stamp + [0, 0, 0, 0, kind, 0, UInt8(data.count)] + data
        }
        let screen: [UInt8] = [0, 64, 0, 64, 0x10, 0, 0, 0x80, 0, 0, 0]
        let bytes = (1...3).flatMap { segment(0x16, $0, screen) + segment(0x80, $0, []) }
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("pictures-\(UUID().uuidString).sup")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(bytes).write(to: file)
        try container(
            "a.mkv",
            ["-i", file.path, "-map", "0:v", "-map", "2", "-c:v", "mpeg4", "-c:s", "copy"]
        ) { input in
            let subtitles = try read(input)
            #expect(subtitles.pictures.map(\.codec) == ["hdmv_pgs_subtitle"])
            #expect(subtitles.stream == nil && subtitles.cues.isEmpty)
        }
    }

    @Test func nothingIsFoundWhereNothingIs() throws {
        try container("a.mkv", ["-map", "0:v", "-c:v", "mpeg4"]) { input in
            let subtitles = try read(input)
            #expect(subtitles == EmbeddedSubtitles())
        }
        #expect(try read(.standardInput) == EmbeddedSubtitles())
    }
}
