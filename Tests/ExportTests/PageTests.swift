import Export
import Foundation
import Imaging
import OrderedJSON
import Testing
import Video
import VideoUnderstanding

struct PageTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let clip = "\(root)/Samples/shapes-and-cuts.mp4"

    private func page(
        _ documents: any Document..., source: PageSource = PageSource(hasThumbnails: false)
    ) throws -> Exported {
        let lines = documents.map { $0.json.compact + "\n" }.joined()
        return try Exported(.html, try ResultFile(Array(lines.utf8), name: "f"), page: source)
    }

    /// A summary of the sample clip, with its true bytes.
    private func summaryOfClip(uri: String = clip) throws -> SummaryDocument {
        var summary = Samples.summary([(4, "a"), (8, "b"), (12, "c")], uri: uri)
        summary.video.sha256 = try sha256(of: VideoInput.file(path: Self.clip))
        for index in summary.segments.indices {
            summary.segments[index].keyframe = Double(4 * index + 2)
        }
        return summary
    }

    // Every text that a document can carry, made of what ends an element or an attribute.
    @Test func noTextBecomesMarkup() throws {
        let evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"' -->&lt;<!--"
        let events: JSON = [
            ["start": .int(1), "end": .int(2), "description": .string(evil)] as JSON
        ]
        var summary = Samples.summary([(4, evil), (60, evil)], whole: evil, uri: evil)
        summary.video.codec = evil
        summary.provenance.model.name = evil
        summary.provenance.warnings = [WarningRecord(code: "a.b", message: evil)]
        let html = try page(
            summary, Samples.answer(events, question: evil, uri: evil),
            Samples.answer(
                .string(evil), question: evil,
                outcome: ChoiceOutcome(
                    choice: evil,
                    choices: [
                        ChoiceRecord(label: evil, probability: 0.5),
                        ChoiceRecord(label: "x", probability: 0.5),
                    ]), uri: evil),
            Samples.answer(["a": .string(evil)], question: evil, uri: evil)
        ).text
        #expect(html.components(separatedBy: "<script").count == 2)
        #expect(html.components(separatedBy: "</script").count == 2)
        #expect(!html.contains("<img") && !html.contains("<!--") && !html.contains("\" -"))
        let copies = html.components(separatedBy: "&lt;/script&gt;&lt;script&gt;alert(1)").count - 1
        #expect(copies >= 12, "\(copies) places show the text")
        // Outside of style and script every bracket belongs to an element of ours.
        let names = Set(
            html.matches(of: /<\/?([^ >]*)/).map { String($0.output.1) })
        #expect(
            names.isSubset(of: Self.elements),
            "unknown: \(names.subtracting(Self.elements))")
    }

    private static let elements: Set<String> = [
        "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2",
        "h3", "p", "span", "div", "video", "label", "input", "b", "svg", "defs", "pattern", "line",
        "rect", "circle", "text", "ol", "ul", "li", "button", "img", "table", "caption", "tr", "th",
        "td", "pre", "details", "summary", "dl", "dt", "dd", "script",
        // Comparisons in the script.
        "", "3600",
    ]

    // The policy names exactly what stands in the page, or browsers would show it bare.
    @Test func thePolicyAllowsOnlyItself() throws {
        let html = try page(Samples.summary([(30, "a"), (60, "b")])).text
        let policy = try #require(
            html.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)?.output.1)
        #expect(
            policy.hasPrefix("default-src 'none'; img-src data:; media-src 'self' file: blob:;"))
        for name in ["style", "script"] {
            let opening = try #require(html.firstRange(of: "<\(name)>"))
            let closing = try #require(html.firstRange(of: "</\(name)>"))
            let content = html[opening.upperBound..<closing.lowerBound]
            let digest = try sha256(of: content.utf8)
            let bytes = stride(from: 0, to: 64, by: 2).map { place in
                let start = digest.index(digest.startIndex, offsetBy: place)
                return UInt8(digest[start...].prefix(2), radix: 16) ?? 0
            }
            let hash = Data(bytes).base64EncodedString()
            #expect(policy.contains("\(name)-src 'sha256-\(hash)'"))
        }
        #expect(!policy.contains("unsafe"))
    }

    // Nothing on the page names an address, and no attribute runs or styles anything.
    @Test func nothingIsFetched() throws {
        let html = try page(
            try summaryOfClip(), source: PageSource(pageFolder: "\(Self.root)/Samples")
        ).text
        #expect(!html.contains("://") && !html.contains("@import"))
        #expect(html.matches(of: /url\(([^)]*)\)/).allSatisfy { $0.output.1 == "#hatch" })
        for match in html.matches(of: /(?:src|href|poster)="([^"]*)"/) {
            let value = match.output.1
            #expect(value.hasPrefix("data:image/jpeg;base64,") || value.hasPrefix("./"))
        }
        #expect(html.firstMatch(of: /\ (style|on[a-z]+)="/) == nil)
    }

    // Guards the pictures: each must be the one on the screen at its key frame.
    @Test func thumbnailsAreTheKeyFrames() throws {
        let html = try page(try summaryOfClip(), source: PageSource()).text
        let pictures = html.matches(of: /<img alt="Key frame at ([0-9:]*)"[^>]*base64,([^"]*)"/)
        #expect(pictures.map { String($0.output.1) } == ["0:02", "0:06", "0:10"])
        for (index, match) in pictures.enumerated() {
            let data = try #require(Data(base64Encoded: String(match.output.2)))
            #expect(data.starts(with: [0xFF, 0xD8, 0xFF]))
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("thumb-\(UUID().uuidString).jpg")
            defer { try? FileManager.default.removeItem(at: file) }
            try data.write(to: file)
            var still = try VideoReader.open(.image(path: file.path))
            let thumbnail = try #require(try still.next()).image
            let time = Int32(4 * index + 2)
            var whole = try VideoReader.open(
                .file(path: Self.clip),
                sampling: SamplingOptions(minFrames: 1, start: Rational(time), end: nil))
            let frame = try #require(try whole.next())
            #expect(frame.time == Double(time))
            let expected = frame.image
            #expect(thumbnail.size == expected.size)
            let difference =
                zip(thumbnail.pixels, expected.pixels).reduce(0) {
                    $0 + abs(Int($1.0) - Int($1.1))
                } / thumbnail.pixels.count
            #expect(difference <= 4, "picture \(index)")
        }
        #expect(html.contains("<video controls"))
    }

    @Test func aMissingOrChangedVideoIsSaid() throws {
        let missing = try page(
            Samples.summary([(60, "a")], uri: "no/such.mp4"), source: PageSource())
        #expect(missing.notices.count == 1)
        #expect(missing.notices.first?.contains("no/such.mp4 is not there") == true)
        #expect(missing.text.contains("Choose the video") && !missing.text.contains("<img"))
        // Our own digest of it is 0a0a….
        let changed = try page(Samples.summary([(60, "a")], uri: Self.clip), source: PageSource())
        #expect(changed.notices.first?.contains("is not the video") == true)
        #expect(!changed.text.contains("src="))
        let address = try page(
            Samples.summary([(60, "a")], uri: "https://example.org/a.mp4"), source: PageSource())
        #expect(address.notices.first?.contains("is not fetched") == true)
        let moved = try page(
            try summaryOfClip(uri: "gone.mp4"),
            source: PageSource(video: Self.clip, hasThumbnails: false))
        #expect(moved.notices.isEmpty && moved.text.contains("<video controls"))
    }

    @Test(arguments: [
        ("Samples", "./shapes-and-cuts.mp4"), ("Samples/model", "./../shapes-and-cuts.mp4"),
        ("Sources/Export", "./../../Samples/shapes-and-cuts.mp4"),
    ])
    func theVideoIsNamedFromThePage(folder: String, address: String) throws {
        let html = try page(
            try summaryOfClip(),
            source: PageSource(pageFolder: "\(Self.root)/\(folder)", hasThumbnails: false)
        ).text
        #expect(
            html.contains("<video controls preload=\"metadata\" playsinline src=\"\(address)\""))
    }

    // A name can hold anything but a slash.
    @Test func namesAreEncoded() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("page-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("javascript:a \"b\" #?%é.mp4").path
        try FileManager.default.copyItem(atPath: Self.clip, toPath: file)
        let html = try page(
            try summaryOfClip(uri: file),
            source: PageSource(pageFolder: folder.path, hasThumbnails: false)
        ).text
        #expect(html.contains("src=\"./javascript%3Aa%20%22b%22%20%23%3F%25%C3%A9.mp4\""))
    }

    @Test func aPageIsAboutOneVideo() throws {
        let error = #expect(throws: Failure.self) {
            try page(
                Samples.summary([(60, "a")]), Samples.answer("b", uri: "other.mp4"))
        }
        #expect(error?.status == .usage)
        let html = try page(
            Samples.summary([(60, "a")]), Samples.answer("b"), Samples.answer("c"), Samples.error)
        #expect(html.text.contains("Q2</span>"))
        #expect(html.notices.contains { $0.contains("input.not_found") })
    }

    // A picture has no time: no player, no timeline.
    @Test func aPictureHasAPageToo() throws {
        let html = try page(Samples.summary([(0, "A cat.")], duration: 0)).text
        #expect(html.contains("A cat.") && !html.contains("<video") && !html.contains("<svg"))
    }
}

struct JPEGTests {
    // Sides that do not divide by two, and the ends of every channel.
    @Test(arguments: [(1, 1), (3, 5), (16, 16), (33, 17)])
    func coloursComeBack(width: Int, height: Int) throws {
        for colour in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255], [12, 200, 90]] {
            let size = PixelSize(width: width, height: height)
            let pixels = (0..<size.area).flatMap { _ in colour.map(UInt8.init) }
            let bytes = try JPEG.encode(RGBImage(size: size, pixels: pixels))
            #expect(try JPEG.encode(RGBImage(size: size, pixels: pixels)) == bytes)
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("jpeg-\(UUID().uuidString).jpg")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(bytes).write(to: file)
            var reader = try VideoReader.open(.image(path: file.path))
            let image = try #require(try reader.next()).image
            #expect(image.size == size)
            for (got, wanted) in zip(image.pixels, pixels) {
                #expect(abs(Int(got) - Int(wanted)) <= 6)
            }
        }
    }

    @Test func emptyPicturesAreRefused() {
        #expect(throws: VideoError.self) {
            try JPEG.encode(RGBImage(size: PixelSize(width: 0, height: 0), pixels: []))
        }
    }
}
