import Compute
import Qwen2VL
import Video

extension Settings {
    /// The compute threads that are used.
    public var effectiveThreads: Int { threads ?? ThreadPool.performanceCores }

    /// The penalty that is used: the checkpoint's own unless one is given.
    func repetitionPenalty(_ model: ModelConfiguration) -> Double {
        generation.repetitionPenalty ?? model.generation.repetitionPenalty
    }

    /// Settings with the pixels that are used.
    func withEffectivePixels(_ model: ModelConfiguration) -> Settings {
        var settings = self
        settings.pixels = pixels.effective(for: model)
        return settings
    }

    /// Bytes that must not be exceeded: 80 % of the machine's unless a limit is given.
    public var effectiveMaxMemory: Int { maxMemory?.bytes ?? SystemFiles.physicalMemory / 5 * 4 }

    /// What `--weights` and `--vision-weights` mean to the loader.
    public var weightFormats: WeightFormats {
        WeightFormats(language: weights, vision: visionWeights ?? weights)
    }
}

extension Settings.Pixels {
    /// The bounds that are used: those of a sample checkpoint, which has seen no larger pictures,
    /// unless anything about pixels is asked for. The bounds that published checkpoints state are
    /// not those that the reference uses for video.
    func effective(for model: ModelConfiguration) -> Self {
        guard model.kind == .sample, detail == nil, minPixels == nil, maxPixels == nil,
            totalPixels == nil
        else { return self }
        var result = self
        result.minPixels = model.preprocessor.minPixels
        result.maxPixels = model.preprocessor.maxPixels
        return result
    }
}

extension VideoInput {
    /// Finds out what a command-line argument means. A file's content is left to the process that
    /// decodes it where that is another one.
    public static func resolving(
        _ argument: String, settings: Settings
    ) throws(Failure) -> VideoInput {
        do {
            let rate = settings.sampling.inputFPS
            return settings.decoding == .inProcess
                ? try resolve(argument, inputFPS: rate) : try locate(argument, inputFPS: rate)
        } catch {
            throw Failure(error, stage: .open)
        }
    }
}
