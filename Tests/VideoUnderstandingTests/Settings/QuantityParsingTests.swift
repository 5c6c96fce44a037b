import Testing
import VideoUnderstanding

@Suite struct QuantityParsingTests {
    @Test(arguments: [
        ("0", 0.0), ("12.5", 12.5), ("1:30", 90), ("01:02:03.004", 3723.004), ("90:00", 5400),
        ("100:00:00", 360_000), ("0:59.999", 59.999),
    ])
    func positions(text: String, seconds: Double) throws {
        #expect(try #require(TimePosition(parsing: text)).seconds.value == seconds)
    }

    @Test(arguments: [
        "", ":", "1:", ":30", "1:60", "1:60:00", "1:2:3:4", "-1", "1/2", "1.5:00", "a", "1:-2",
        "9999999999", "999999:00:00", "00:00:1e1",
    ])
    func noPositions(text: String) { #expect(TimePosition(parsing: text) == nil) }

    // A time stamp of a document, typed back, must not fall before the frame that it names, also
    // where it has more digits than an exact fraction holds.
    @Test(arguments: [
        ("5405.366667", 5405.367), ("1:30:05.366667", 5405.367), ("3599.999999999", 3600),
    ])
    func positionsOfManyDigits(text: String, seconds: Double) throws {
        #expect(try #require(TimePosition(parsing: text)).seconds.value == seconds)
    }

    @Test(arguments: [
        ("8G", 8 << 30), ("512MiB", 512 << 20), ("1.5g", 3 << 29), ("2GB", 2_000_000_000),
        ("1000", 1000), ("1kB", 1000), ("1K", 1024), ("3B", 3), ("0.5T", 1 << 39),
    ])
    func sizes(text: String, bytes: Int) throws {
        #expect(try #require(ByteSize(parsing: text)).bytes == bytes)
    }

    @Test(arguments: ["", "G", "0", "-1G", "1X", "1 G", "8GG", "99999999T", "1e3", "1/2G"])
    func noSizes(text: String) { #expect(ByteSize(parsing: text) == nil) }

    @Test(arguments: [
        (1, "1 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (6 << 30, "6 GiB"),
    ])
    func sizesAsText(bytes: Int, text: String) { #expect(ByteSize(bytes: bytes).text == text) }
}
