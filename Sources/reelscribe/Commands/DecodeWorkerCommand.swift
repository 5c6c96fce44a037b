import ArgumentParser
import Isolation

/// The process that starts decoding processes. The tool starts it for itself.
struct DecodeWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode-worker", abstract: "Decode for another reelscribe.",
        shouldDisplay: false)

    /// Whether the arguments of this process ask for it. It must not start a thread before it runs.
    static var isAskedFor: Bool {
        CommandLine.arguments.dropFirst().first == configuration.commandName
    }

    @Option(transform: { text in
        guard let fault = InjectedFault(text) else { throw ValidationError("no such fault") }
        return fault
    })
    var fault: InjectedFault?

    func run() { NurseryProcess.run(fault: fault) }
}
