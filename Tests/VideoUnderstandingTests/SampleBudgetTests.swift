import Imaging
import OrderedJSON
import Qwen2VL
import Testing
import VideoUnderstanding

/// The bounds on pixels that a checkpoint states.
@Suite struct SampleBudgetTests {
    private static func model(_ kind: ModelKind) -> ModelConfiguration {
        ModelConfiguration(
            text: TextConfiguration(
                hidden: 64, intermediate: 128, layers: 1, heads: 2, kvHeads: 1, headSize: 32,
                vocabulary: 700, mropeSections: [4, 6, 6], tieWordEmbeddings: true),
            vision: VisionConfiguration(depth: 1, width: 32, heads: 2, mlpWidth: 64, output: 64),
            preprocessor: PreprocessorConfiguration(minPixels: 3136, maxPixels: 12544), kind: kind)
    }

    private static func sizes(
        _ kind: ModelKind, _ change: (inout Settings) -> Void = { _ in }
    ) throws -> [String] {
        var settings = Settings()
        change(&settings)
        let budget = AnalysisOptions(settings, model: model(kind)).budget
        let source = PixelSize(width: 640, height: 360)
        return try [
            budget.videoFrameSize(of: source, frames: 24, factor: 28),
            budget.imageSize(of: source, factor: 28),
        ].map { "\($0.width)x\($0.height)" }
    }

    // Guards both kinds of pictures of a sample model: never larger than it has seen.
    @Test func aSampleModelsOwnBounds() throws {
        #expect(try Self.sizes(.sample) == ["140x84", "140x84"])
    }

    // Guards what is asked for, which wins, and every other model, whose bounds are those of its
    // images alone.
    @Test(arguments: [
        (ModelKind.sample, "detail"), (.sample, "min"), (.sample, "max"), (.sample, "total"),
        (.published, ""), (.untrained, ""),
    ])
    func otherwiseNothingChanges(kind: ModelKind, option: String) throws {
        let change: (inout Settings) -> Void = {
            switch option {
            case "detail": $0.pixels.detail = .low
            case "min": $0.pixels.minPixels = 28 * 28
            case "max": $0.pixels.maxPixels = 200_000
            case "total": $0.pixels.totalPixels = 10_000_000
            default: break
            }
        }
        #expect(try Self.sizes(kind, change) == Self.sizes(.published, change))
        #expect(try Self.sizes(kind, change) != Self.sizes(.sample))
    }
}
