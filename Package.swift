// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "reelscribe",
    products: [
        .executable(name: "reelscribe", targets: ["reelscribe"]),
        .library(name: "VideoUnderstanding", targets: ["VideoUnderstanding"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C only: the libraries we stand on, and our kernels.
        .systemLibrary(
            name: "CFFmpeg",
            pkgConfig: "libavformat",
            providers: [
                .apt(["libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswscale-dev"])
            ]),
        .target(
            name: "CKernels",
            linkerSettings: [.linkedLibrary("openblas"), .linkedLibrary("pthread")]),

        // Processes that decode hostile input: fork, descriptors, system calls that are refused.
        .target(name: "CSandbox"),

        // The path, in the direction in which data flows.
        .target(name: "OrderedJSON"),
        .target(name: "Compute", dependencies: ["CKernels"]),
        .target(name: "Imaging", dependencies: ["Compute", "CKernels"]),
        .target(name: "Video", dependencies: ["CFFmpeg", "Imaging"]),
        .target(name: "Isolation", dependencies: ["CSandbox", "Compute", "Imaging", "Video"]),
        // One video's visual tokens, prefixes and summaries in one file.
        .target(
            name: "VideoIndex",
            dependencies: ["Compute", "Video", .product(name: "GRDB", package: "GRDB.swift")]),
        .target(name: "Text", dependencies: ["OrderedJSON"]),
        .target(name: "Constraint", dependencies: ["OrderedJSON", "Text"]),
        .target(
            name: "Qwen2VL", dependencies: ["CKernels", "Compute", "Imaging", "OrderedJSON"]),
        .target(
            name: "VideoUnderstanding",
            dependencies: [
                "Compute", "Constraint", "Imaging", "Isolation", "OrderedJSON", "Qwen2VL", "Text",
                "Video", "VideoIndex",
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [
                .embedInCode("Schemas")
            ]),
        // Measuring a checkpoint on a dataset.
        .target(
            name: "Evaluation", dependencies: ["OrderedJSON", "Video", "VideoUnderstanding"]),
        // Many videos: jobs in, durable results out.
        .target(
            name: "Batch",
            dependencies: [
                "CSandbox", "Compute", "OrderedJSON", "Video", "VideoUnderstanding",
                .product(name: "Yams", package: "Yams"),
            ]),
        // Results for other programs and for people: subtitles, chapters, tables, pages.
        .target(
            name: "Export",
            dependencies: ["Imaging", "Isolation", "OrderedJSON", "Video", "VideoUnderstanding"]),
        // Checkpoints from a hub: the only code that uses the network by itself.
        .target(name: "Hub", dependencies: ["OrderedJSON", "Video", "VideoUnderstanding"]),
        .executableTarget(
            name: "reelscribe",
            dependencies: [
                "Batch", "Compute", "Evaluation", "Export", "Hub", "Isolation",
                "VideoUnderstanding",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),

        .testTarget(name: "OrderedJSONTests", dependencies: ["OrderedJSON"]),
        .testTarget(name: "ComputeTests", dependencies: ["Compute", "CKernels"]),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "OrderedJSON"]),
        .testTarget(name: "VideoTests", dependencies: ["Video", "OrderedJSON"]),
        .testTarget(
            name: "IsolationTests",
            dependencies: ["Isolation", "Video", "VideoUnderstanding", "OrderedJSON"]),
        .testTarget(
            name: "VideoIndexTests",
            dependencies: [
                "OrderedJSON", "Qwen2VL", "Video", "VideoIndex", "VideoUnderstanding",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(name: "TextTests", dependencies: ["Text", "OrderedJSON"]),
        .testTarget(
            name: "ConstraintTests",
            dependencies: ["Constraint", "OrderedJSON", "Text", "VideoUnderstanding"]),
        .testTarget(name: "Qwen2VLTests", dependencies: ["Qwen2VL", "Text", "OrderedJSON"]),
        .testTarget(
            name: "VideoUnderstandingTests",
            dependencies: [
                "Compute", "Constraint", "OrderedJSON", "Qwen2VL", "Text", "Video",
                "VideoUnderstanding",
            ]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Imaging", "OrderedJSON", "Qwen2VL", "Video", "VideoUnderstanding",
            ]),
        .testTarget(
            name: "BatchTests", dependencies: ["Batch", "VideoUnderstanding", "OrderedJSON"]),
        .testTarget(
            name: "ExportTests",
            dependencies: ["Export", "Imaging", "OrderedJSON", "Video", "VideoUnderstanding"]),
        .testTarget(name: "HubTests", dependencies: ["Hub", "VideoUnderstanding"]),
        .testTarget(name: "CommandTests", dependencies: ["VideoUnderstanding", "OrderedJSON"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
