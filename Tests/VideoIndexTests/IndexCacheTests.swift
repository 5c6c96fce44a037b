import Foundation
import OrderedJSON
import Testing
import Video
import VideoIndex
import VideoUnderstanding

/// Indexes that are made and forgotten by themselves.
@Suite struct IndexCacheTests {
    private var settings: Settings {
        var settings = Settings()
        settings.threads = 1
        settings.generation.maxNewTokens = 6
        return settings
    }

    // Guards the promise: the same bytes with and without a cache, from a miss and from a hit.
    @Test(arguments: [LookChoice.auto, .windows])
    func theSameWithAndWithout(look: LookChoice) throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        var settings = settings
        settings.look = look
        let input = try Places.input("shapes-and-cuts.mp4")
        let cold = try analyzer.answers(input, ["What moves?"], settings)
        let cache = try IndexCache.opening(folder.file("cache"), quota: 1 << 30)
        for _ in 0..<2 {
            #expect(try analyzer.answers(input, ["What moves?"], settings, cache: cache) == cold)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("cache"))
        #expect(names.count == 1)
        // Another name of the same bytes is a hit, and the document has the name that was typed.
        let other = folder.file("other.mp4")
        try FileManager.default.copyItem(
            atPath: Places.clip("shapes-and-cuts.mp4"), toPath: other)
        let renamed = try VideoInput.resolving(other, settings: settings)
        #expect(
            try analyzer.answers(renamed, ["What moves?"], settings, cache: cache)
                == analyzer.answers(renamed, ["What moves?"], settings))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("cache")) == names)
    }

    // Guards against wrong hits: each change makes a file of its own.
    @Test func anyChangeIsAMiss() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let cache = try IndexCache.opening(folder.path, quota: 1 << 30)
        var count = 0
        func ask(_ analyzer: Analyzer, _ change: (inout Settings) -> Void = { _ in }) throws {
            var settings = settings
            change(&settings)
            let input = try Places.input("shapes-and-cuts.mp4")
            #expect(
                try analyzer.answers(input, ["What?"], settings, cache: cache)
                    == analyzer.answers(input, ["What?"], settings))
            count += 1
            #expect(folder.names.count == count)
        }
        try ask(analyzer)
        try ask(analyzer) { $0.sampling.fps = Rational(1) }
        try ask(analyzer) { $0.sampling.end = TimePosition(parsing: "5") }
        try ask(analyzer) { $0.system = "Be brief." }
        try ask(analyzer) { $0.mrope = .hf5 }
        try ask(analyzer) { $0.kv = .f16 }
        try ask(analyzer) { $0.kv = .int8 }
        try ask(analyzer.rounding(.fast))
        try ask(
            try Analyzer(
                folder: Places.model, weights: WeightFormats(language: .int8, vision: .int8),
                threads: 1))
        // What is asked is no part of it.
        count -= 1
        try ask(analyzer) { $0.generation.maxNewTokens = 9 }
    }

    // A damaged file is made again, and the answer is right.
    @Test func damageIsMadeGood() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let cache = try IndexCache.opening(folder.path, quota: 1 << 30)
        let input = try Places.input("shapes-and-cuts.mp4")
        let cold = try analyzer.answers(input, ["What?"], settings, cache: cache)
        let path = folder.file(try #require(folder.names.first))
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for place in stride(from: 5, to: whole.count, by: whole.count / 24) {
            var bytes = whole
            bytes[place] ^= 4
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(try analyzer.answers(input, ["What?"], settings, cache: cache) == cold)
        }
    }

    // Guards the quota: the files that were of use the longest ago go first, and no others.
    @Test func theLeastRecentlyUsedGo() throws {
        let folder = try TemporaryFolder()
        let digits = "0123456789abcdef"
        func name(_ place: Int) -> String {
            String(repeating: digits[digits.index(digits.startIndex, offsetBy: place)], count: 32)
        }
        for place in 0..<6 {
            let path = folder.file(name(place) + ".rsx")
            try Data(count: 1000).write(to: URL(fileURLWithPath: path))
            // The first is the one that was used last.
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: Double(2_000_000 - place))],
                ofItemAtPath: path)
        }
        let foreign = ["notes.rsx", "x.txt", name(7) + ".mp4", name(8).uppercased() + ".rsxx"]
        for name in foreign {
            try Data(count: 5000).write(to: URL(fileURLWithPath: folder.file(name)))
        }
        // Somebody is writing this one.
        let partial = name(9) + ".rsx.partial"
        try Data(count: 9000).write(to: URL(fileURLWithPath: folder.file(partial)))
        try IndexCache.opening(folder.path, quota: 3500).trim()
        #expect(
            Set(folder.names)
                == Set([name(0), name(1), name(2)].map { $0 + ".rsx" } + foreign + [partial]))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1)],
            ofItemAtPath: folder.file(partial))
        try IndexCache.opening(folder.path, quota: 3500).trim()
        #expect(!folder.names.contains(partial), "nobody goes on with it")
        #expect(folder.names.contains(name(2) + ".rsx"))
    }

    // An answer comes even where nothing may be kept.
    @Test func aQuotaThatIsTooSmall() throws {
        let folder = try TemporaryFolder()
        let cache = try IndexCache.opening(folder.path, quota: 1)
        let input = try Places.input("shapes-and-cuts.mp4")
        let analyzer = try Places.analyzer()
        #expect(
            try analyzer.answers(input, ["What?"], settings, cache: cache)
                == analyzer.answers(input, ["What?"], settings))
        #expect(folder.names == [])
    }

    @Test func aFileIsNoFolder() throws {
        let failure = #expect(throws: Failure.self) {
            try IndexCache.opening(Places.clip("shapes-and-cuts.mp4"), quota: 1)
        }
        #expect(failure?.status == .outputNotCreated)
    }
}
