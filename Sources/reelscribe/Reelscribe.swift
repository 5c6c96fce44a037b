import ArgumentParser
import VideoUnderstanding

@main
struct Reelscribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reelscribe",
        abstract: "Watches video and writes down what it saw.",
        discussion: """
            A Qwen2-VL model runs inside this program, on the processor: nothing is sent anywhere. \
            Frames are taken at 2 a second, each pair of them becomes a few dozen tokens, and the \
            model's text comes back as JSON with the times it speaks of.

              reelscribe summarize talk.mp4            what happens, part by part
              reelscribe ask talk.mp4 'Who speaks?'    one question, one answer
              reelscribe index talk.mp4 -o talk.rsx    so that the next question is fast
              reelscribe frames talk.mp4               what the model would see
              reelscribe plan talk.mp4                 tokens, memory, seconds
              reelscribe doctor                        what this machine lacks

            Results go to standard output, everything else to standard error. A document names its \
            kind in "schema"; `reelscribe schema` prints the JSON Schema of each.

            EXIT CODES
              0    all done
              3, 4 several videos: some of them, all of them failed
              64   wrong use of the command line
              65   the input is not a readable video, or damaged beyond salvage
              66   the input does not exist or cannot be opened
              70   a bug in reelscribe
              73   the output cannot be created
              74   the output cannot be written
              75   may work later (network, lock)
              78   model or configuration wrong, missing or too large for --max-memory
              130, 143  interrupted

            Shell completion: reelscribe --generate-completion-script bash|zsh|fish
            """,
        version: "\(ToolRecord.current.name) \(ToolRecord.current.version)",
        groupedSubcommands: [
            CommandGroup(
                name: "Watch",
                subcommands: [
                    SummarizeCommand.self, AskCommand.self, IndexCommand.self,
                    FramesCommand.self, PlanCommand.self,
                ]),
            CommandGroup(
                name: "Many videos",
                subcommands: [RunCommand.self, MergeCommand.self, StageCommand.self]),
            CommandGroup(
                name: "Models and parity",
                subcommands: [
                    ModelCommand.self, EvalCommand.self, TokenizeCommand.self, TraceCommand.self,
                    BenchCommand.self, ConstrainCommand.self, YardstickCommand.self,
                    DecodeWorkerCommand.self,
                ]),
            CommandGroup(
                name: "Documents and set-up",
                subcommands: [
                    ExportCommand.self, SchemaCommand.self, ValidateCommand.self,
                    DoctorCommand.self,
                ]),
        ])

    static func main() {
        if DecodeWorkerCommand.isAskedFor { main(nil) }
        Signals.install()
        do {
            nonisolated(unsafe) var command = try parseAsRoot()
            // Only that task touches the command from here on, and this thread waits for it.
            try MainThread.run(cancelledBy: Signals.interruption) { try command.run() }
        } catch let failure as Failure {
            StandardStreams.complain(failure.line)
            exit(withError: ExitCode(failure.status.rawValue))
        } catch {
            guard let wrong = WrongUse(error, arguments: Array(CommandLine.arguments.dropFirst()))
            else { exit(withError: error) }
            StandardStreams.complain(wrong.text)
            exit(withError: exitCode(for: error))
        }
    }
}
