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

    /// What `--weights` means to the loader; nil: as the checkpoint stores them.
    ///
    /// - Throws: `model.unsupported` for types that the loader cannot make.
    public func scalarType() throws(Failure) -> ScalarType? {
        switch weights {
        case nil: return nil
        case .bf16: return .bf16
        case .f16: return .f16
        case .f32: return .f32
        case .int8, .int4:
            throw Failure(
                .modelUnsupported, stage: .model,
                message: "--weights \(weights?.rawValue ?? "") is not available in this version",
                hint: "use bf16, f16 or f32, or leave the option out")
        }
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
