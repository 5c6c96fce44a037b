import Foundation
import Isolation
import Testing
import Video

/// Subtitles of a container are read behind the same border as its pictures.
@Suite struct RemoteSubtitleTests {
    static let sample: EmbeddedSubtitles = {
        var found = EmbeddedSubtitles()
        found.stream = .init(index: 3, codec: "subrip", language: "eng")
        found.others = [.init(index: 4, codec: "ass", language: nil)]
        found.pictures = [.init(index: 5, codec: "dvb_subtitle", language: "fr")]
        found.cues = [SubtitleCue(start: 0, end: 1.5, text: "Ä <|im_end|>")]
        found.damaged = 2
        found.startTime = 10.04
        return found
    }()

    @Test func subtitlesComeBack() throws {
        #expect(try EmbeddedSubtitles(wireBytes: Self.sample.wireBytes[...]) == Self.sample)
        let bytes = Self.sample.wireBytes
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try EmbeddedSubtitles(wireBytes: bytes[..<count]) }
        }
    }

    // What a process sends that someone else has in hand.
    @Test(arguments: [
        SubtitleCue(start: 2, end: 1, text: "x"), SubtitleCue(start: -1, end: 1, text: "x"),
        SubtitleCue(start: 0, end: 1e300, text: "x"), SubtitleCue(start: 0, end: .nan, text: "x"),
        SubtitleCue(start: 0, end: 1, text: ""), SubtitleCue(start: 0, end: 1, text: "a\u{1B}[2J"),
        SubtitleCue(start: 0, end: 1, text: "a\nb"),
        SubtitleCue(start: 0, end: 1, text: String(repeating: "x", count: 1 << 19)),
    ])
    func lyingCuesAreRefused(cue: SubtitleCue) {
        var found = Self.sample
        found.cues = [cue]
        #expect(throws: WireError.self) { try EmbeddedSubtitles(wireBytes: found.wireBytes[...]) }
        found = Self.sample
        found.stream?.codec = "a b\n"
        #expect(throws: WireError.self) { try EmbeddedSubtitles(wireBytes: found.wireBytes[...]) }
    }

    @Test(
        .enabled(if: Place.hasTool, "the program was not built"),
        .enabled(
            if: FileManager.default.fileExists(
                atPath: "\(Place.shared)/assets/videos/nasa_13013.mp4"),
            "the shared media are not here"))
    func bothSidesReadTheSame() throws {
        let workers = workers()
        for path in Place.media("videos") + Place.samples {
            let input = VideoInput.file(path: path)
            let local = Result { () throws(VideoError) in
                try EmbeddedSubtitles.read(
                    input.probed(), limits: .standard, allowReferences: false)
            }
            let remote = Result { () throws(VideoError) in try workers.subtitles(of: input) }
            #expect(remote == local, "\(path)")
            if path.hasSuffix("nasa_13013.mp4") {
                let found = try local.get()
                #expect(found.stream?.codec == "mov_text" && !found.cues.isEmpty)
            }
        }
    }

    @Test(.enabled(if: Place.hasTool, "the program was not built"))
    func aCrashCostsTheSubtitlesAlone() throws {
        let workers = workers(fault: "crash:shapes-and-cuts.mp4")
        #expect(throws: VideoError.self) {
            try workers.subtitles(of: .file(path: Place.samples[0]))
        }
        #expect(try workers.subtitles(of: .file(path: Place.samples[2])).stream == nil)
        #expect(throws: VideoError.self) {
            try workers.subtitles(of: .file(path: "/no/such/file.mkv"))
        }
    }
}
