import Imaging
import OrderedJSON
import Testing

@Suite("VisualBudget")
struct VisualBudgetTests {
    /// Guards the share of the total (2 frames count once), the least of the computed value, and
    /// that it bounds an option from above.
    @Test(
        "frame sizes of the specification",
        arguments: [
            (1080, 1920, 32, [560, 1008]), (480, 640, 32, [476, 644]), (240, 320, 16, [280, 392]),
            (720, 1280, 200, [560, 1008]), (720, 1280, 768, [336, 644]),
            (144, 176, 10, [308, 364]),
        ])
    func published(height: Int, width: Int, frames: Int, expected: [Int]) throws {
        let size = try VisualBudget().videoFrameSize(
            of: PixelSize(width: width, height: height), frames: frames, factor: 28)
        #expect([size.height, size.width] == expected)
    }

    @Test("equal to every reference vector", .enabled(if: Fixtures.hasReference))
    func reference() throws {
        let vectors = try Fixtures.json(Fixtures.reference.appending(path: "sampling.json"))
        let cases = try #require(vectors["video_frame_size"]?.array)
        #expect(cases.count > 90)
        for vector in cases {
            let budget = VisualBudget(
                minPixels: vector["min_pixels"]?.double, maxPixels: vector["max_pixels"]?.double,
                totalPixels: vector["total_pixels"]?.double)
            let source = PixelSize(
                width: try #require(vector["width"]?.int),
                height: try #require(vector["height"]?.int))
            let size = try? budget.videoFrameSize(
                of: source, frames: try #require(vector["frames"]?.int), factor: 28)
            #expect(
                size.map { [$0.height, $0.width] } == vector["result"]?.array?.compactMap(\.int),
                "\(vector)")
        }
    }

    @Test("images have their own limits, and options replace them")
    func images() throws {
        let source = PixelSize(width: 1920, height: 1080)
        for detail in Detail.allCases {
            let size = try VisualBudget(detail: detail).imageSize(of: source, factor: 28)
            #expect(size == PixelSize(width: 1932, height: 1092))
        }
        let small = try VisualBudget(maxPixels: 100_352).imageSize(of: source, factor: 28)
        #expect(small == PixelSize(width: 420, height: 224))
        // The total is for videos.
        let total = try VisualBudget(totalPixels: 5000).imageSize(of: source, factor: 28)
        #expect(total == PixelSize(width: 1932, height: 1092))
    }

    /// Guards the promise of the option: about that many pixels, never more.
    @Test("detail bounds the visual tokens of a frame", arguments: [Detail.low, .medium])
    func detail(_ detail: Detail) throws {
        let tokens = try #require(detail.tokens)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            let height = Int.random(in: 1...2200, using: &generator)
            let ratio = Double.random(in: 1...64, using: &generator)
            let source = PixelSize(
                width: min(Int(Double(height) * ratio), height * 64), height: height)
            let size = try VisualBudget(detail: detail)
                .videoFrameSize(of: source, frames: 64, factor: 28)
            let obtained = size.area / (28 * 28)
            #expect(obtained <= tokens, "\(source) to \(size)")
            if ratio < 4 { #expect(2 * obtained >= tokens, "\(source) to \(size)") }
        }
    }

    @Test(
        "frame sizes of a level",
        arguments: [
            (Detail.medium, 1080, 1920, [224, 420]), (.medium, 1920, 1080, [420, 224]),
            (.medium, 240, 320, [252, 308]), (.medium, 144, 176, [224, 252]),
            (.low, 1080, 1920, [168, 280]), (.low, 144, 176, [168, 196]),
            (.low, 100, 100, [168, 168]), (.high, 1080, 1920, [560, 1008]),
        ])
    func levels(detail: Detail, height: Int, width: Int, expected: [Int]) throws {
        let size = try VisualBudget(detail: detail).videoFrameSize(
            of: PixelSize(width: width, height: height), frames: 32, factor: 28)
        #expect([size.height, size.width] == expected)
    }

    /// Guards against a level that mixes with options: any option means the reference's rule.
    @Test("an option overrides the level")
    func optionWins() throws {
        let source = PixelSize(width: 1920, height: 1080)
        for options in [
            VisualBudget(minPixels: 100_352, detail: .low),
            VisualBudget(maxPixels: 602_112, detail: .low),
            VisualBudget(totalPixels: 90_316_800, detail: .low),
        ] {
            let size = try options.videoFrameSize(of: source, frames: 32, factor: 28)
            #expect(size == PixelSize(width: 1008, height: 560))
        }
    }

    @Test("refused budgets")
    func refused() {
        let source = PixelSize(width: 640, height: 480)
        #expect(throws: ImagingError.noFrames) {
            try VisualBudget().videoFrameSize(of: source, frames: 0, factor: 28)
        }
        #expect(throws: ImagingError.contradictoryBudget(minimum: 100_352, maximum: 20_000)) {
            try VisualBudget(maxPixels: 20_000).videoFrameSize(of: source, frames: 8, factor: 28)
        }
        for value in [0, -5, Double.nan, .infinity] {
            #expect(throws: ImagingError.self) {
                try VisualBudget(minPixels: value)
                    .videoFrameSize(of: source, frames: 8, factor: 28)
            }
        }
        #expect(throws: ImagingError.invalidBudget(option: "--total-pixels", value: 0)) {
            try VisualBudget(totalPixels: 0).videoFrameSize(of: source, frames: 8, factor: 28)
        }
    }
}
