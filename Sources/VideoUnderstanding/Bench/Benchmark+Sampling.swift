import Imaging
import Video

extension Benchmark {
    /// Decoding and sampling a video, and making patches of its frames.
    mutating func measureSampling(_ clip: VideoInput) throws {
        var decoded = 0
        var sampled = 0
        let seconds = try passes { _ in
            var reader = try VideoReader.open(
                clip, sampling: SamplingOptions(needsIndices: true), limits: .standard,
                threads: options.threads,
                allowReferences: false)
            sampled = 0
            while try reader.next() != nil { sampled += 1 }
            decoded = reader.report.framesDecoded
        }.median
        add("decode_1080p", Double(decoded) / seconds, "frames/s")
        add("sampling_1080p", Double(sampled) / seconds, "sampled frames/s")
        let size = PixelSize(width: 1920, height: 1080)
        let image = RGBImage(
            size: size, pixels: (0..<3 * size.area).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let other = RGBImage(size: size, pixels: image.pixels.reversed())
        let preprocessor = PairPreprocessor(
            source: size, target: PixelSize(width: 1008, height: 560),
            patch: PatchGeometry(
                patchSize: 14, temporalPatchSize: 2, mergeSize: 2, channels: 3),
            mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])
        let pair = try passes { _ in _ = preprocessor.rows(image, other) }.median
        add("preprocess_1080p", 2 / pair, "sampled frames/s")
    }
}
