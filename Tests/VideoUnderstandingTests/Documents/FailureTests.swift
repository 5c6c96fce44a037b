import Testing
import VideoUnderstanding

@Suite struct FailureTests {
    // The exit status is what scripts act on: each stable code keeps its own.
    @Test(arguments: [
        (FailureCode.inputNotFound, RunStatus.inputMissing, false),
        (.inputUnsupportedURL, .badInput, false), (.decodeNoVideo, .badInput, false),
        (.decodeDamaged, .badInput, false), (.decodeTimeout, .temporary, true),
        (.limitPixels, .badInput, false), (.limitDuration, .badInput, false),
        (.limitMemory, .configuration, false), (.modelNotFound, .configuration, false),
        (.modelDamaged, .configuration, false), (.modelUnsupported, .configuration, false),
        (.jobInvalid, .badInput, false), (.outputUnwritable, .outputNotWritten, false),
        (.optionsInvalid, .usage, false), (.internalError, .internalError, false),
        // Nothing speaks against doing again what was interrupted.
        (.interrupted, .interrupted, true),
        (FailureCode(rawValue: "some.other"), .internalError, false),
    ])
    func codesHaveTheirStatus(code: FailureCode, status: RunStatus, retryable: Bool) {
        let failure = Failure(code, stage: .open, message: "m")
        #expect(failure.status == status)
        #expect(failure.retryable == retryable)
    }

    @Test func aFailureMayNameItsOwnStatus() {
        let failure = Failure(
            .outputUnwritable, stage: .output, message: "m", status: .outputNotCreated)
        #expect(failure.status.rawValue == 73)
    }

    // A file name with a line end or an escape sequence must not forge lines on a terminal.
    @Test func messagesAreOneHarmlessLine() {
        let failure = Failure(
            .inputNotFound, stage: .open, message: "no a\nb\u{1B}[2J\u{2028}c", hint: "x\r\ny")
        #expect(failure.line == "reelscribe: error: no a b\u{FFFD}[2J c (hint: x\u{FFFD} y)")
    }

    @Test func unknownErrorsAreBugsOfOurs() {
        struct Odd: Error {}
        let failure = Failure(Odd(), stage: .vision)
        #expect(failure.code == .internalError)
        #expect(failure.status == .internalError)
        let known = Failure(.modelDamaged, stage: .model, message: "x")
        #expect(Failure(known, stage: .vision) == known)
        #expect(Failure(CancellationError(), stage: .decode).status == .interrupted)
    }

    @Test(arguments: [
        (0, 3, RunStatus.success), (1, 3, .someJobsFailed), (3, 3, .allJobsFailed),
        (0, 0, .success),
    ])
    func severalJobs(failed: Int, jobs: Int, status: RunStatus) {
        #expect(RunStatus(failed: failed, of: jobs) == status)
    }

    @Test func theFirstSignalCounts() throws {
        let interruption = Interruption()
        try interruption.check(stage: .decode)
        interruption.request(signal: 15)
        interruption.request(signal: 2)
        let failure = #expect(throws: Failure.self) { try interruption.check(stage: .decode) }
        #expect(failure?.status == .terminated)
    }
}
