import Foundation
import OrderedJSON
import Synchronization
import Testing
import VideoUnderstanding

@Suite struct ProgressTests {
    /// A standard error and a clock of the test's own.
    final class Stage: Sendable {
        private let text = Mutex("")
        private let time = Mutex(0.0)

        func meter(_ style: ProgressStyle, width: Int = 80) -> ProgressMeter {
            ProgressMeter(
                style: style, width: { width }, now: { self.time.withLock { $0 } },
                write: { text in self.text.withLock { $0 += text } })
        }

        func wait(_ seconds: Double) { time.withLock { $0 += seconds } }

        var output: String { text.withLock { $0 } }

        /// What a terminal shows at the end.
        var screen: [String] {
            output.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.components(separatedBy: "\r\u{1B}[K").last ?? ""
            }
        }
    }

    @Test(arguments: [
        (ProgressStyle.auto, true, ProgressStyle.bar), (.auto, false, .none),
        (.json, false, .json), (.bar, false, .bar), (.none, true, .none),
    ])
    func automaticStyle(style: ProgressStyle, onTerminal: Bool, resolved: ProgressStyle) {
        #expect(style.resolved(onTerminal: onTerminal) == resolved)
    }

    @Test func theBarShowsRateAndTimeLeftAndIsWipedAway() {
        let stage = Stage()
        let meter = stage.meter(.bar)
        meter.begin("decode", total: 200, unit: "frames")
        stage.wait(2)
        meter.advance(to: 50)
        let bar = stage.screen.last ?? ""
        #expect(bar.contains("25 %"))
        #expect(bar.contains("50 of 200 frames, 25.0/s, 6 s left"))
        #expect(bar.contains("[=") && bar.contains(">"))
        meter.finish()
        #expect(stage.screen == [""])
    }

    // A bar as wide as the terminal would be broken into two lines and never be wiped.
    @Test(arguments: [0, 1, 10, 20, 40, 60, 80, 200])
    func noBarIsAsWideAsTheTerminal(width: Int) {
        let stage = Stage()
        let meter = stage.meter(.bar, width: width)
        meter.begin("preprocess", total: 1_000_000, unit: "frames")
        stage.wait(7000)
        meter.advance(to: 999_999)
        #expect((stage.screen.last ?? "").count <= max(0, width - 1))
    }

    @Test func messagesDoNotTearTheBar() {
        let stage = Stage()
        let meter = stage.meter(.bar)
        meter.begin("decode", total: 4, unit: "frames")
        meter.message("a warning")
        meter.advance(to: 1)
        meter.finish()
        #expect(stage.screen == ["a warning", ""])
    }

    @Test func linesAreFewAndTheLastIsThere() {
        let stage = Stage()
        let meter = stage.meter(.lines)
        meter.begin("vision", total: 1000, unit: "patches")
        for done in 1...1000 {
            stage.wait(0.012)
            meter.advance(to: done)
        }
        meter.finish()
        let lines = stage.output.split(separator: "\n")
        #expect((3...5).contains(lines.count), "\(lines)")
        #expect(lines.last == "reelscribe: vision: 1000 of 1000 patches, 83.3/s")
    }

    // What nobody counts is told once, when it begins.
    @Test func tasksWithoutUnitsAreNotCounted() {
        let stage = Stage()
        let lines = stage.meter(.lines)
        lines.begin("loading the model", unit: "")
        stage.wait(3)
        lines.begin("decode", total: 2, unit: "frames")
        #expect(
            stage.output
                == "reelscribe: loading the model\nreelscribe: decode: 0 of 2 frames\n")
        let other = Stage()
        let bar = other.meter(.bar)
        bar.begin("loading the model", unit: "")
        #expect(other.screen.last?.contains("0") == false)
    }

    @Test func linesOfJSONCanBeRead() throws {
        let stage = Stage()
        let meter = stage.meter(.json)
        meter.begin("decode", unit: "frames")
        stage.wait(1)
        meter.advance(to: 10)
        meter.finish()
        let events = try stage.output.split(separator: "\n").map { try JSON.parse(String($0)) }
        #expect(events.compactMap { $0["event"]?.string } == ["progress", "progress", "done"])
        #expect(events.last?["done"]?.int == 10)
        #expect(events.last?["rate"]?.int == 10)
        #expect(events.last?["total"] == .null)
    }

    @Test func noneSaysNothingButMessages() {
        let stage = Stage()
        let meter = stage.meter(.none)
        meter.begin("decode", total: 1, unit: "frames")
        meter.advance(to: 1)
        meter.finish()
        meter.message("x")
        #expect(stage.output == "x\n")
    }

    @Test func manyThreadsMayReport() async {
        let stage = Stage()
        let meter = stage.meter(.json)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<200 {
                        meter.begin("t\(task)", unit: "steps")
                        meter.advance(to: step)
                        meter.message(#"{"event":"log"}"#)
                    }
                }
            }
        }
        meter.finish()
        let lines = stage.output.split(separator: "\n")
        #expect(lines.allSatisfy { (try? JSON.parse(String($0))) != nil })
    }
}
