import Foundation
import Isolation
import Testing
import Video

/// Guards that whatever a decoding process does costs its input and nothing else.
@Suite(.enabled(if: Place.hasTool, "the program is not built"))
struct FaultTests {
    private static let name = "street-crossing.mkv"
    private static let budget = DecodeBudget(memory: 256 << 20, seconds: 60, stallSeconds: 8)

    @Test(arguments: [
        ("crash", "decode.damaged"), ("crash-after-frame", "decode.damaged"),
        ("hang", "decode.timeout"), ("spin", "decode.timeout"), ("bomb", "limit.memory"),
        ("garbage", "decode.damaged"), ("boast", "decode.damaged"), ("quit", "decode.damaged"),
    ])
    func aFaultCostsOneInput(kind: String, code: String) throws {
        let workers = workers(Self.budget, fault: "\(kind):\(Self.name)")
        let path = "\(Place.root)/Samples/\(Self.name)"
        let start = ContinuousClock.now
        let broken = Reading(remote: path, .init(), workers)
        #expect(broken.error?.code == code, "\(String(describing: broken.error))")
        #expect(broken.error?.description.contains(Self.name) == true)
        #expect(ContinuousClock.now - start < .seconds(90))
        // The next input is none the worse for it.
        let next = Reading(remote: Place.samples[0], .init(), workers)
        #expect(next == Reading(local: Place.samples[0], .init()))
    }

    /// A decoder that was taken over can neither write, connect, signal nor start anything.
    @Test(.enabled(if: Place.filtersCalls, "this system filters no calls"))
    func thereIsNoWayOut() {
        let workers = workers(fault: "escape:\(Self.name)")
        let reading = Reading(remote: "\(Place.root)/Samples/\(Self.name)", .init(), workers)
        guard case .notAVideo(_, let reason)? = reading.error else {
            Issue.record("\(reading)")
            return
        }
        #expect(reason == "protections 7, escapes []")
        #expect(!FileManager.default.fileExists(atPath: "/tmp/reelscribe-escape"))
    }

    private static let largePicture = "\(Place.shared)/assets/videos/phone_8k_8frames.mp4"

    /// A real picture that needs more memory than there is, not a simulated one.
    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: largePicture),
            "the shared media are not there"))
    func aBudgetHolds() throws {
        let path = Self.largePicture
        let small = workers(DecodeBudget(memory: 96 << 20))
        let error = Reading(remote: path, .init(), small).error
        #expect(error == .decoderOutOfMemory(uri: path, limit: 96 << 20))
        #expect(Reading(remote: path, .init(), workers()).error == nil)
    }

    /// The process that starts others may die: it is started again.
    @Test func theNurseryComesBack() throws {
        let mark = "quit:\(UUID())"
        let workers = workers(fault: mark)
        let expected = Reading(local: Place.samples[0], .init())
        #expect(Reading(remote: Place.samples[0], .init(), workers) == expected)
        kill(try #require(Self.nursery(mark)), SIGKILL)
        #expect(Reading(remote: Place.samples[0], .init(), workers) == expected)
    }

    /// An input that nobody reads to its end does not keep a process.
    @Test func whatIsDroppedEnds() throws {
        let mark = "quit:\(UUID())"
        let workers = workers(fault: mark)
        var video: RemoteVideo? = try workers.open(try VideoInput.locate(Place.samples[2]))
        try video?.begin(target: nil)
        _ = try video?.next()
        let nursery = try #require(Self.nursery(mark))
        #expect(!Self.children(of: nursery).isEmpty)
        video = nil
        let deadline = ContinuousClock.now + .seconds(10)
        while !Self.children(of: nursery).isEmpty, ContinuousClock.now < deadline { usleep(10_000) }
        #expect(Self.children(of: nursery).isEmpty)
    }

    /// Whoever kills a decoder, or the nursery with all its decoders, says nothing about the input:
    /// the job may be tried again.
    @Test(arguments: [false, true])
    func aKillFromOutsideIsNotTheInputsFault(killsNursery: Bool) throws {
        let mark = "quit:\(UUID())"
        // A queue that is soon full keeps the decoder at work.
        let workers = workers(DecodeBudget(queuedBytes: 1), fault: mark)
        let video = try workers.open(try VideoInput.locate(Place.samples[2]))
        try video.begin(target: nil)
        _ = try video.next()
        let nursery = try #require(Self.nursery(mark))
        kill(killsNursery ? nursery : try #require(Self.children(of: nursery).first), SIGKILL)
        let error = #expect(throws: VideoError.self) { while try video.next() != nil {} }
        #expect(error?.code == "decode.lost", "\(String(describing: error))")
        #expect(error?.retryable == true)
        #expect(error?.exitCode == 75)
    }

    @Test func abandoningEndsAWait() throws {
        let workers = workers(DecodeBudget(stallSeconds: 60), fault: "hang:nothing")
        let video = try workers.open(try VideoInput.locate(Place.samples[2]))
        video.abandon()
        #expect(throws: VideoError.self) { while try video.next() != nil {} }
    }

    private static func children(of process: pid_t) -> [pid_t] {
        let path = "/proc/\(process)/task/\(process)/children"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }

    /// The process that a thread of this one started with this argument.
    private static func nursery(_ argument: String) -> pid_t? {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.flatMap { task -> [pid_t] in
            let path = "/proc/self/task/\(task)/children"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }.first { process in
            let line = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
            return line?.contains(argument) == true
        }
    }
}
