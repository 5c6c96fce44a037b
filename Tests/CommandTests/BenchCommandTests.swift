import OrderedJSON
import Testing
import VideoUnderstanding

/// The sample model is small; what takes the time is measuring the machine.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct BenchCommandTests {
    private static func bench(_ options: [String]) throws -> JSON {
        let outcome = try Tool.run(
            ["bench", "--model", "Samples/model"] + options, in: Repository.root)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let document = try JSON.parse(outcome.output)
        #expect(DocumentValidator().faults(in: document) == [])
        return document
    }

    private static func names(_ list: JSON?) -> [String] {
        list?.array?.compactMap { $0["name"]?.string } ?? []
    }

    // One flag adds one member and changes nothing else.
    @Test func detailTellsWhereTheTimeGoes() throws {
        let plain = try Self.bench(["--parts", "decode", "--weights", "int8"])
        let told = try Self.bench(
            ["--parts", "vision", "prefill", "decode", "--weights", "int8", "--detail"])
        #expect(plain["detail"] == nil)
        #expect(plain["model"]?["activations"] == nil)
        let figures = Self.names(told["measurements"])
        #expect(
            Self.names(plain["measurements"])
                == figures.filter { !$0.hasPrefix("vision") && !$0.hasPrefix("prefill") })
        #expect(
            figures == [
                "fma_peak", "integer_peak", "sgemm", "read_bandwidth", "vision", "vision_rate",
                "prefill_512", "prefill_512_rate", "prefill_4096", "prefill_4096_rate", "decode",
                "decode_bandwidth", "decode_8", "decode_8_gain", "draft_8_cost",
            ])
        let keys = told.object?.members.map(\.key)
        #expect(keys?.filter { $0 != "detail" } == plain.object?.members.map(\.key))

        let passes = try #require(told["detail"]?.array)
        #expect(Self.names(told["detail"]) == ["vision", "prefill_512", "prefill_4096", "decode"])
        let language = "norm qkv rope attention projection gate_up down head other"
        for pass in passes {
            let layers = try #require(pass["layers"]?.array)
            let isVision = pass["name"]?.string == "vision"
            #expect(
                Self.names(pass["layers"]).joined(separator: " ")
                    == (isVision
                        ? "patch_embedding norm qkv rope attention projection mlp_up mlp_down merger other"
                        : language))
            let shares = layers.compactMap { $0["share"]?.double }
            #expect(abs(shares.reduce(0, +) - 1) < 1e-4, "\(shares)")
            let isDecode = pass["name"]?.string == "decode"
            for layer in layers {
                let name = try #require(layer["name"]?.string)
                let isProduct = !["norm", "rope", "other"].contains(name)
                #expect((layer["efficiency"] != nil) == isProduct, "\(name)")
                // These stay in single numbers.
                let isPacked = isProduct && !["attention", "patch_embedding"].contains(name)
                #expect((layer["of_integer_peak"] != nil) == (isPacked && !isDecode), "\(name)")
                if isProduct {
                    #expect(
                        layer["relative_to"]?.string == (isDecode ? "read_bandwidth" : "sgemm"))
                }
            }
        }
        // What the document says of the whole and of its parts is of the same runs.
        let decode = try #require(told["measurements"]?.array?.first { $0["name"] == "decode" })
        let pass = try #require(passes.last?["seconds"]?.double)
        #expect(abs(try #require(decode["value"]?.double) * pass - 1) < 1e-3)
    }
    // Every shape of the sample model's linear layers once, and SGEMM of the very same shape beside it:
    // a child process that measured another would not name it.
    @Test func productsStandBesideTheirOwnYardstick() throws {
        let figures = try #require(
            try Self.bench(["--parts", "products", "--weights", "bf16"])["measurements"]?.array)
        let ours = figures.filter { $0["name"]?.string?.hasPrefix("product_") ?? false }
        // Patch embedding, qkv, projection, fc1, fc2, two of the merger; q, k, gate, down.
        #expect((8...11).contains(ours.count))
        for figure in ours {
            let shape = try #require(figure["name"]?.string?.dropFirst("product_".count))
            let other = try #require(figures.first { $0["name"]?.string == "sgemm_\(shape)" })
            #expect(figure["relative_to"] == other["name"])
            let (rate, best) = (figure["value"]?.double ?? 0, other["value"]?.double ?? 0)
            // Medians of both, and the median of their ratios.
            let share = try #require(figure["efficiency"]?.double)
            #expect(rate > 0 && best > 0 && share > rate / best / 3 && share < rate / best * 3)
        }
    }

    @Test func roundingIsToldWhereItIsNoDefault() throws {
        let fast = try Self.bench(["--parts", "vision", "--activations", "fast"])
        #expect(fast["model"]?["activations"]?.string == "fast")
    }

    @Test(arguments: [
        "", "512x1536", "512x0x7", "512x1536x8960x1", "-1x2x3", "9999999x1x1", "axbxc",
    ])
    func shapesThatAreNoneAreRefused(text: String) {
        #expect(MatrixShape(text) == nil)
        let shape = MatrixShape(rows: 3, columns: 5, outputs: 7)
        #expect(MatrixShape(shape.description) == shape)
    }
}
