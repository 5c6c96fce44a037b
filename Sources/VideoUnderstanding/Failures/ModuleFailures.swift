import Constraint
import Imaging
import Qwen2VL
import Text
import Video

/// An error of a module that a person can act on.
protocol ModuleFailure: Error {
    /// - Parameter stage: where it surfaced, for errors that several stages can have.
    func failure(_ stage: FailureStage) -> Failure
}

extension VideoError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        let stage: FailureStage =
            switch self {
            case .notFound, .cannotOpen, .unsupportedURL, .unreachable, .noPictures, .holdsVideos,
                .notAVideo, .namesOtherInputs, .noVideoStream, .noDecoder, .tooManyStreams:
                .open
            case .invalidSampling: .options
            case .cannotEncode: .output
            default: .decode
            }
        return Failure(
            FailureCode(rawValue: code), stage: stage, message: description, hint: hint,
            retryable: retryable, status: RunStatus(rawValue: exitCode))
    }
}

extension ModelError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        Failure(
            FailureCode(rawValue: code), stage: .model, message: description, hint: hint,
            retryable: retryable, status: RunStatus(rawValue: exitCode))
    }
}

extension TextError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        Failure(
            FailureCode(rawValue: code), stage: .tokenize, message: description, hint: hint)
    }
}

extension ConstraintError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        Failure(
            .jobInvalid, stage: .options, message: description,
            hint: "Documentation/ConstrainedOutput.md lists what schemas may use")
    }
}

extension ImagingError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        let message = description.hasSuffix(".") ? String(description.dropLast()) : description
        return switch self {
        case .sideOutOfRange, .aspectRatioTooLarge:
            Failure(.limitPixels, stage: .preprocess, message: message)
        case .invalidBudget, .contradictoryBudget, .targetTooLarge:
            Failure(.optionsInvalid, stage: .preprocess, message: message)
        case .noFrames: Failure(.decodeDamaged, stage: .decode, message: message)
        }
    }
}

extension SessionError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        switch self {
        case .unknownToken: Failure(.modelDamaged, stage: .prefill, message: description)
        case .full: Failure(.internalError, stage: .prefill, message: description)
        }
    }
}

extension GenerationError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        Failure(
            .modelDamaged, stage: .generate,
            message: "the model gave no finite score for any token",
            hint: "its weights are damaged; fetch the checkpoint again")
    }
}
