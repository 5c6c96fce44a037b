import Foundation
import OrderedJSON
import Testing
import VideoIndex
import VideoUnderstanding

/// Indexing that was interrupted, and videos that grow.
@Suite struct IndexGrowthTests {
    private struct Stop: Error {}

    private var settings: Settings {
        var settings = Settings()
        settings.threads = 1
        settings.window = Rational(4)
        return settings
    }

    // Guards the going on: whatever was done stays done, and the end is the same.
    @Test func interruptedAnywhereTheEndIsTheSame() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let video = try PictureVideo(in: folder, pictures: 23).input
        var events = 0
        _ = try analyzer.index(
            video, output: folder.file("whole.rsx"), settings: settings, prefixes: .all
        ) { _ in events += 1 }
        let expected = try content(of: folder.file("whole.rsx"))
        let path = folder.file("parts.rsx")
        var stops = 0
        for stop in stride(from: 0, to: events, by: max(1, events / 9)) {
            var seen = 0
            do {
                _ = try analyzer.index(
                    video, output: path, settings: settings, prefixes: .all
                ) { _ in
                    seen += 1
                    if seen > stop { throw Stop() }
                }
                // Less was left to do than there is in all.
                #expect(try content(of: path) == expected)
                break
            } catch is Failure {
                stops += 1
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
        #expect(stops >= 3)
        let document = try analyzer.index(
            video, output: path, settings: settings, prefixes: .all)
        #expect(try content(of: path) == expected)
        // Interrupted when all pairs were seen; pairs that repeat are not looked up.
        let late = folder.file("late.rsx")
        var seen = 0
        #expect(throws: Failure.self) {
            try analyzer.index(video, output: late, settings: settings, prefixes: .all) { _ in
                seen += 1
                if seen == events { throw Stop() }
            }
        }
        let known = try analyzer.index(
            video, output: late, settings: settings, prefixes: .all)
        #expect(try #require(known.json["pairs_reused"]?.int) > 0)
        #expect(
            document.json["pairs_reused"] == known.json["pairs_reused"],
            "all pairs were there from the interrupted runs")
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    }

    // What an interrupted run with another model or other settings left must not come through.
    @Test func remainsOfOtherSettingsAreForgotten() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let rounded = try Analyzer(
            folder: Places.model, weights: WeightFormats(language: .int8, vision: .int8),
            threads: 1)
        let video = try PictureVideo(in: folder, pictures: 12).input
        let path = folder.file("clip.rsx")
        var wide = settings
        wide.window = Rational(30)
        let fast = analyzer.rounding(.fast)
        for (other, settings) in [(rounded, settings), (fast, settings), (analyzer, wide)] {
            var events = 0
            #expect(throws: Failure.self) {
                try other.index(video, output: path, settings: settings) { _ in
                    events += 1
                    if events > 12 { throw Stop() }
                }
            }
        }
        _ = try analyzer.index(video, output: path, settings: settings)
        _ = try analyzer.index(video, output: folder.file("fresh.rsx"), settings: settings)
        #expect(try content(of: path) == content(of: folder.file("fresh.rsx")))
    }

    // Guards --extend: what is the same is not made again, and nothing of what was stays.
    @Test(arguments: [(9, 21), (10, 11), (16, 24)])
    func aVideoThatHasGrown(before: Int, after: Int) throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let pictures = try PictureVideo(in: folder, pictures: before)
        let path = folder.file("clip.rsx")
        _ = try analyzer.index(try pictures.input, output: path, settings: settings)
        let old = try content(of: path)
        try pictures.grow(to: after)
        let refused = #expect(throws: Failure.self) {
            try analyzer.index(try pictures.input, output: path, settings: settings)
        }
        #expect(refused?.hint?.contains("--extend") == true)
        let document = try analyzer.index(
            try pictures.input, output: path, settings: settings, extends: true)
        let reused = try #require(document.json["pairs_reused"]?.int)
        #expect(reused >= before / 2)
        #expect(reused < document.json["pairs_seen"]?.int ?? 0)
        let fresh = folder.file("fresh.rsx")
        _ = try analyzer.index(try pictures.input, output: fresh, settings: settings)
        #expect(try content(of: path) == content(of: fresh))
        #expect(try content(of: path) != old)
        #expect(folder.names.filter { $0.contains("rsx") } == ["clip.rsx", "fresh.rsx"])
    }

    // Visual tokens are what the tower made of pixels: rounded otherwise, they are others.
    @Test func nothingIsTakenOverThatWasRoundedOtherwise() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let video = try PictureVideo(in: folder, pictures: 12).input
        let path = folder.file("clip.rsx")
        _ = try analyzer.index(video, output: path, settings: settings, prefixes: .all)
        let fast = analyzer.rounding(.fast)
        let refused = #expect(throws: Failure.self) {
            try fast.index(video, output: path, settings: settings, prefixes: .all)
        }
        #expect(refused?.status == .outputNotCreated)
        let extended = try fast.index(
            video, output: path, settings: settings, prefixes: .all, extends: true)
        let fresh = folder.file("fresh.rsx")
        let made = try fast.index(video, output: fresh, settings: settings, prefixes: .all)
        #expect(try content(of: path) == content(of: fresh))
        // A new index finds in itself, too, what it has of the same pictures.
        #expect(extended.json["pairs_reused"] == made.json["pairs_reused"])
    }

    @Test func otherPicturesAreNoGrowth() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let one = try PictureVideo(in: folder, pictures: 8)
        let path = folder.file("clip.rsx")
        _ = try analyzer.index(try one.input, output: path, settings: settings)
        let before = try content(of: path)
        let other = try PictureVideo(in: folder, pictures: 0, named: "others")
        try other.grow(to: 12, salt: 99)
        let failure = #expect(throws: Failure.self) {
            try analyzer.index(try other.input, output: path, settings: settings, extends: true)
        }
        #expect(failure?.message.contains("does not begin as") == true)
        #expect(try content(of: path) == before)
    }

    // A second run with nothing to do leaves the file as it is.
    @Test func nothingToDo() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let video = try PictureVideo(in: folder, pictures: 20).input
        let path = folder.file("clip.rsx")
        _ = try analyzer.index(video, output: path, settings: settings)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let again = try analyzer.index(video, output: path, settings: settings)
        #expect(again.json["pairs_seen"]?.int == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        // More is asked for than is there.
        let more = try analyzer.index(video, output: path, settings: settings, prefixes: .all)
        #expect(more.json["prefixes"]?.int ?? 0 > again.json["prefixes"]?.int ?? 0)
    }
}
