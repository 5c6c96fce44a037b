import Foundation
import Testing
import VideoUnderstanding

@Suite struct OutputTests {
    private func content(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }

    private func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    // A run that dies half way must leave the old result as it was, and no rubbish.
    @Test func aSingleDocumentAppearsAsAWhole() throws {
        try withFolder { folder in
            let path = folder + "/out.json"
            try Data("old".utf8).write(to: URL(fileURLWithPath: path))
            do {
                var file = try FileOutput(path: path, atomically: true)
                try file.write("half")
                #expect(content(path) == "old")
            }
            #expect(content(path) == "old")
            #expect(names(in: folder) == ["out.json"])
            var file = try FileOutput(path: path, atomically: true)
            try file.write("new")
            try file.finish()
            #expect(content(path) == "new")
            #expect(names(in: folder) == ["out.json"])
        }
    }

    // A hint that names another option than the one that was given leads nowhere.
    @Test func theHintNamesTheOption() {
        for option in ["--output", "--contact-sheet"] {
            let failure = #expect(throws: Failure.self) {
                _ = try FileOutput(path: "/no/such/x", atomically: true, option: option)
            }
            #expect(failure?.hint == "give another place with \(option)")
        }
    }

    // The input by its address is the input.
    @Test func anAddressIsNoDisguise() throws {
        try withFolder { folder in
            let path = folder + "/a b.mp4"
            try Data("video".utf8).write(to: URL(fileURLWithPath: path))
            let address = "file://" + path.replacing(" ", with: "%20")
            #expect(throws: Failure.self) {
                try OutputGuard.check(output: path, against: [address])
            }
            try OutputGuard.check(output: path, against: [address + ".none"])
        }
    }

    @Test func severalDocumentsAreThereAsSoonAsTheyAreWritten() throws {
        try withFolder { folder in
            let path = folder + "/out.jsonl"
            try Data("old\n".utf8).write(to: URL(fileURLWithPath: path))
            var output = try DocumentOutput(
                path: path, layout: .automatic, isSingle: false, isTerminal: true)
            try output.write(SampleDocuments.error)
            #expect(content(path) == SampleDocuments.error.json.compact + "\n")
            try output.write(SampleDocuments.doctor)
            try output.finish()
            #expect(content(path)?.split(separator: "\n").count == 2)
        }
    }

    // Replacing a link or a device by a file is not what anyone asked for.
    @Test func linksAndPermissionsStay() throws {
        try withFolder { folder in
            let target = folder + "/real.json"
            try Data("old".utf8).write(to: URL(fileURLWithPath: target))
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: target)
            let link = folder + "/link.json"
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: target)
            var file = try FileOutput(path: link, atomically: true)
            try file.write("new")
            try file.finish()
            #expect(content(target) == "new")
            let facts = try FileManager.default.attributesOfItem(atPath: target)
            #expect(facts[.posixPermissions] as? Int == 0o640)
            let kind = try FileManager.default.attributesOfItem(atPath: link)[.type]
            #expect(kind as? FileAttributeType == .typeSymbolicLink)
            var device = try FileOutput(path: "/dev/null", atomically: true)
            try device.write("x")
            try device.finish()
            #expect(!FileManager.default.fileExists(atPath: "/dev/null.partial"))
        }
    }

    @Test func whatCannotBeCreatedOrWrittenHasItsOwnStatus() throws {
        try withFolder { folder in
            let missing = #expect(throws: Failure.self) {
                let file = try FileOutput(path: folder + "/no/out.json", atomically: true)
                try file.finish()
            }
            #expect(missing?.status == .outputNotCreated)
            let isFolder = #expect(throws: Failure.self) {
                let file = try FileOutput(path: folder, atomically: true)
                try file.finish()
            }
            #expect(isFolder?.status == .outputNotCreated)
            guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
            let full = #expect(throws: Failure.self) {
                var file = try FileOutput(path: "/dev/full", atomically: false)
                try file.write("x")
            }
            #expect(full?.status == .outputNotWritten)
        }
    }
}
