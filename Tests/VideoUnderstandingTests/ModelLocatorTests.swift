import Foundation
import Testing
import VideoUnderstanding

@Suite struct ModelLocatorTests {
    /// Makes a folder that passes for a checkpoint.
    private func checkpoint(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path + "/config.json"))
    }

    private func locator(
        _ folder: String, _ environment: [String: String] = [:], executable: String? = nil
    ) -> ModelLocator {
        ModelLocator(
            ModelSurroundings(
                environment: ["HOME": folder + "/home"].merging(environment) { $1 },
                executable: executable, currentFolder: folder + "/here"))
    }

    @Test func aPathComesBeforeEverything() throws {
        try withFolder { folder in
            try checkpoint(folder + "/a/model")
            let locator = locator(folder, ["REELSCRIBE_MODEL": "/nowhere"])
            let found = try locator.locate(folder + "/a/model")
            #expect(found == LocatedModel(path: folder + "/a/model", name: "model", origin: .asked))
            // A file inside a checkpoint means the checkpoint.
            #expect(try locator.locate(folder + "/a/model/config.json").path == folder + "/a/model")
        }
    }

    @Test(
        arguments: [
            ["HF_HUB_CACHE": "F/cache"], ["HF_HOME": "F/hf"], ["XDG_CACHE_HOME": "F/xdg"], [:],
            ["HF_HUB_CACHE": "", "HF_HOME": "F/hf"], ["HF_HUB_CACHE": "~/elsewhere"],
        ] as [[String: String]])
    func namesAreFoundInTheHub(environment: [String: String]) throws {
        try withFolder { folder in
            let hubs = [
                "F/cache": "/cache", "F/hf": "/hf/hub", "F/xdg": "/xdg/huggingface/hub",
                "~/elsewhere": "/home/elsewhere",
            ]
            let named = environment.values.first { !$0.isEmpty }
            let hub = folder + (named.flatMap { hubs[$0] } ?? "/home/.cache/huggingface/hub")
            let snapshot = hub + "/models--Qwen--Tiny-2B.v1/snapshots/abc123"
            try checkpoint(snapshot)
            let refs = hub + "/models--Qwen--Tiny-2B.v1/refs"
            try FileManager.default.createDirectory(
                atPath: refs, withIntermediateDirectories: true)
            try Data("abc123\n".utf8).write(to: URL(fileURLWithPath: refs + "/main"))
            let here = environment.mapValues { $0.replacing("F/", with: folder + "/") }
            let found = try locator(folder, here).locate("Qwen/Tiny-2B.v1")
            #expect(
                found == LocatedModel(path: snapshot, name: "Qwen/Tiny-2B.v1", origin: .asked))
        }
    }

    // A reference is a file's text: it must not lead out of the cache.
    @Test func referencesCannotLeaveTheCache() throws {
        try withFolder { folder in
            try checkpoint(folder + "/secret")
            let repository = folder + "/hub/models--a--b"
            for part in ["/refs", "/snapshots"] {
                try FileManager.default.createDirectory(
                    atPath: repository + part, withIntermediateDirectories: true)
            }
            try Data("../../../secret".utf8).write(
                to: URL(fileURLWithPath: repository + "/refs/main"))
            let locator = locator(folder, ["HF_HUB_CACHE": folder + "/hub"])
            #expect(throws: Failure.self) { try locator.locate("a/b") }
        }
    }

    @Test func namesAreFoundAmongPulledModels() throws {
        try withFolder { folder in
            try checkpoint(folder + "/home/.local/share/reelscribe/models/o/n")
            #expect(try locator(folder).locate("o/n").name == "o/n")
            try checkpoint(folder + "/data/reelscribe/models/o/m")
            let locator = locator(folder, ["XDG_DATA_HOME": folder + "/data"])
            #expect(try locator.locate("o/m").path == folder + "/data/reelscribe/models/o/m")
        }
    }

    @Test func theEnvironmentComesBeforeTheSample() throws {
        try withFolder { folder in
            try checkpoint(folder + "/here/Samples/model")
            try checkpoint(folder + "/mine")
            let own = try locator(folder, ["REELSCRIBE_MODEL": folder + "/mine"]).locate(nil)
            #expect(own.origin == .environment)
            #expect(own.path == folder + "/mine")
            // A name in the environment that leads nowhere is an error, not the sample.
            let wrong = locator(folder, ["REELSCRIBE_MODEL": folder + "/nothing"])
            #expect(throws: Failure.self) { try wrong.locate(nil) }
        }
    }

    @Test(arguments: [
        ("/p/.build/x/release/reelscribe", "/p/Samples/model", true),
        ("/1/2/3/4/5/6/7/8/reelscribe", "/Samples/model", true),
        ("/1/2/3/4/5/6/7/8/9/reelscribe", "/Samples/model", false),
        ("/usr/bin/reelscribe", "/usr/share/reelscribe/model", true),
        ("/usr/bin/reelscribe", "/here/Samples/model", true),
    ])
    func theSampleIsFoundFromTheProgram(executable: String, sample: String, isFound: Bool) throws {
        try withFolder { folder in
            try checkpoint(folder + sample)
            let locator = locator(folder, executable: folder + executable)
            #expect(locator.standard?.path == (isFound ? folder + sample : nil))
        }
    }

    @Test(arguments: ["nothing", "a/b", "../x/y", "a/../b", "", "a//b", ".hidden/x"])
    func whatIsNotThereSaysWhereItWasLookedFor(request: String) throws {
        try withFolder { folder in
            let failure = #expect(throws: Failure.self) {
                try locator(folder).locate(request)
            }
            #expect(failure?.code == .modelNotFound)
            #expect(failure?.status == .configuration)
            if request == "a/b" {
                #expect(failure?.message.contains("/home/.cache/huggingface/hub") == true)
                #expect(failure?.message.contains("/home/.local/share/reelscribe") == true)
                #expect(failure?.hint?.contains("reelscribe model pull a/b") == true)
            }
        }
    }
}
