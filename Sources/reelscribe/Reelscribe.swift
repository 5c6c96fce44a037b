import ArgumentParser

@main
struct Reelscribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reelscribe", abstract: "Watches video and writes down what it saw.")
}
