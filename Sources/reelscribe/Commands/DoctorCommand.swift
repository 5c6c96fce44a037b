import ArgumentParser
import VideoUnderstanding

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine has, what it lacks, and how to get it.",
        discussion: """
            Looks at the linked FFmpeg and its decoders, the processor, the matrix library, the \
            memory and the default model. The exit code is 0 when everything needed is there, and \
            78 when something is missing.

            EXAMPLES
              reelscribe doctor
              reelscribe doctor --json | jq .checks
            """)

    @Flag(help: "Write a document (reelscribe/doctor@1) in place of text.")
    var json = false

    @OptionGroup(title: "Output") var output: OutputOptions

    func run() throws {
        let document = Doctor(probes: .linked, surroundings: .process).examine()
        var documents = try output.documents(isSingle: true)
        if json {
            try documents.write(document)
        } else {
            try documents.write(text: document.text)
        }
        try documents.finish()
        if document.status == .error { throw ExitCode(RunStatus.configuration.rawValue) }
    }
}
