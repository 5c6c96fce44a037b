import Imaging
import Testing

private let imageLimits = (least: 3136.0, most: 12_845_056.0)

private func resize(
    _ height: Int, _ width: Int, _ least: Double = imageLimits.least,
    _ most: Double = imageLimits.most
) throws(ImagingError) -> PixelSize {
    try smartResize(height: height, width: width, factor: 28, minPixels: least, maxPixels: most)
}

@Suite("smartResize")
struct SmartResizeTests {
    /// Guards the rounding of exact halves (to even, not up), the order of height and width, the
    /// least side, and both branches of the budget.
    @Test(
        "sizes of the specification",
        arguments: [
            ([42, 42], [56, 56]), ([70, 70], [56, 56]), ([98, 98], [112, 112]),
            ([126, 126], [112, 112]), ([1080, 1920], [1092, 1932]), ([480, 640], [476, 644]),
            ([20, 500], [28, 504]), ([4000, 6000], [2912, 4368]), ([13, 600], [28, 588]),
            ([1, 1], [56, 56]), ([28, 28], [56, 56]), ([1, 200], [28, 196]),
        ])
    func published(source: [Int], expected: [Int]) throws {
        let size = try resize(source[0], source[1])
        #expect([size.height, size.width] == expected)
    }

    /// Guards a short side that the reference's own arithmetic would shrink to nothing.
    @Test("a side never shrinks to nothing")
    func leastSide() throws {
        let size = try resize(100, 19_000, 3136, 50_176)
        #expect(size == PixelSize(width: 3080, height: 28))
    }

    @Test("equal to every reference vector", .enabled(if: Fixtures.hasReference))
    func reference() throws {
        let vectors = try Fixtures.json(Fixtures.reference.appending(path: "sampling.json"))
        let cases = try #require(vectors["smart_resize"]?.array)
        #expect(cases.count > 200)
        for vector in cases {
            let height = try #require(vector["height"]?.int)
            let width = try #require(vector["width"]?.int)
            let least = try #require(vector["min_pixels"]?.double)
            let most = try #require(vector["max_pixels"]?.double)
            let size = try? resize(height, width, least, most)
            #expect(
                size.map { [$0.height, $0.width] } == vector["result"]?.array?.compactMap(\.int),
                "\(vector)")
        }
    }

    /// Guards against traps on sizes and budgets that a file or a user can state.
    @Test(
        "refused sizes and budgets",
        arguments: [
            (10, 2001, 3136, 1e6, "elongated"), (0, 10, 3136, 1e6, "between 1 and"),
            (10, -1, 3136, 1e6, "between 1 and"), (Int.max, 10, 3136, 1e6, "between 1 and"),
            (10, 10, 0, 1e6, "--min-pixels"), (10, 10, .nan, 1e6, "--min-pixels"),
            (10, 10, 3136, .nan, "--max-pixels"), (10, 10, 3136, -1, "--max-pixels"),
            (10, 10, 3137, 3136, "more than the most"), (10, 10, 1e30, 1e31, "Enlarging"),
            (10, 10, .infinity, .infinity, "Enlarging"),
        ] as [(Int, Int, Double, Double, String)])
    func refused(height: Int, width: Int, least: Double, most: Double, words: String) {
        let error = #expect(throws: ImagingError.self) {
            try resize(height, width, least, most)
        }
        #expect(error?.description.contains(words) == true)
    }

    @Test("exactly 200 times as long is accepted")
    func longest() throws {
        #expect(throws: Never.self) { try resize(10, 2000) }
        #expect(
            throws: ImagingError.aspectRatioTooLarge(
                PixelSize(width: 10, height: 2001), limit: 200)
        ) { try resize(2001, 10) }
    }
}
