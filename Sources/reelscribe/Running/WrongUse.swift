import ArgumentParser

/// Wrong use of the command line, with what the user may have meant where the parser cannot tell.
struct WrongUse {
    /// What the parser says, and what may have been meant.
    let text: String

    /// Options that a command lacks for a reason.
    private static let reasons: [String: [String: String]] = [
        "stage": [
            "--input": "Jobs come on standard input: reelscribe stage < jobs.jsonl",
            "--output": "Documents go to standard output: reelscribe stage > results.jsonl",
            "--shard": "Whoever sends the jobs shares them out; reelscribe run has shards.",
        ],
        "merge": ["--input": "Results are named without an option: reelscribe merge part-*.jsonl"],
    ]

    /// Nil where there is nothing to add to the parser's own words.
    init?(_ error: any Error, arguments: [String]) {
        let said = Reelscribe.fullMessage(for: error)
        guard said.hasPrefix("Error: "), !said.contains("Did you mean") else { return nil }
        let command = Self.command(in: arguments)
        let name = command.configuration.commandName ?? ""
        let options = Self.options(of: command)
        var lines = said.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let option = Self.unknownOption(said, arguments, options) {
            let more =
                Self.reasons[name]?[option]
                ?? Self.meant(option, among: options).map { "Did you mean '\($0)'?" }
            // Its value may be what the parser stumbled over.
            lines[0] = ["Error: Unknown option '\(option)'", more].compactMap(\.self)
                .joined(separator: ". ")
        } else if name == "run",
            let word = said.firstMatch(of: /nexpected arguments?:? '(?<name>[^']+)'/)?.name
        {
            lines[0] +=
                ". A job file's videos are named by its variables, as in --set folder=\(word)"
        } else {
            return nil
        }
        text = lines.joined(separator: "\n")
    }

    /// The option that the parser names, else the first that the command does not have.
    private static func unknownOption(
        _ said: String, _ arguments: [String], _ options: [String]
    ) -> String? {
        if let match = said.firstMatch(of: /Unknown option '(?<name>--[A-Za-z0-9_-]+)'/) {
            return String(match.name)
        }
        return arguments.prefix { $0 != "--" }.lazy
            .compactMap { $0.wholeMatch(of: /(?<name>--[A-Za-z][A-Za-z0-9_-]*)(=.*)?/)?.name }
            .first { !options.contains(String($0)) }.map { String($0) }
    }

    private static func command(in arguments: [String]) -> any ParsableCommand.Type {
        var command: any ParsableCommand.Type = Reelscribe.self
        for argument in arguments {
            let next = command.configuration.subcommands.first {
                $0.configuration.commandName == argument
                    || $0.configuration.aliases.contains(argument)
            }
            guard let next else { break }
            command = next
        }
        return command
    }

    private static func options(of command: any ParsableCommand.Type) -> [String] {
        Reelscribe.helpMessage(for: command, includeHidden: true).matches(of: /--[a-z][a-z-]*/).map
        { String($0.output) }
    }

    /// The option that has all the words of another and the fewest more, or the other way round:
    /// `--max-tokens` for `--max-new-tokens`, `--output-file` for `--output`.
    static func meant(_ option: String, among options: [String]) -> String? {
        func words(_ name: String) -> Set<Substring> {
            Set(name.lowercased().split { $0 == "-" || $0 == "_" })
        }
        let given = words(option)
        let near = options.filter {
            let known = words($0)
            return known.isSuperset(of: given) || known.isSubset(of: given)
        }
        return near.min {
            words($0).symmetricDifference(given).count < words($1).symmetricDifference(given).count
        }
    }
}
