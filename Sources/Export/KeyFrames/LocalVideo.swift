import Video
import VideoUnderstanding

/// The video that a page speaks of, as it lies on this machine.
struct LocalVideo: Sendable, Equatable {
    /// Why there is no video to show.
    enum Absence: Error, Sendable, Equatable {
        case notFound(String)
        /// What is there has other bytes than what the document speaks of.
        case changed(String)
        case address(String)
        /// The document does not tell its bytes, so that any file could be meant.
        case unknown(String)
        case unreadable(String)
    }

    let input: VideoInput
    /// The one file that a browser can play; nil for pictures.
    let playable: String?

    /// Finds the video and compares its bytes.
    ///
    /// - Parameters:
    ///   - path: where the user says that it is; nil: where the document says, seen from the
    ///     current folder or from that of the document.
    ///   - folder: of the document.
    init(
        of video: ExportedDocument.Video, settings: OrderedSettings, path: String?, folder: String?
    ) throws(Absence) {
        if path == nil {
            if video.uri.contains("://") { throw .address(video.uri) }
            // A pipe; or a document that names a file without knowing it.
            if video.uri == "-" || video.sha256 == nil { throw .unknown(video.uri) }
        }
        var places = [path ?? video.uri]
        if path == nil, let folder, !video.uri.hasPrefix("/") {
            places.append(folder + "/" + video.uri)
        }
        var found: Absence = .notFound(places[0])
        for place in places {
            do throws(Absence) {
                self = try Self(at: place, video, settings)
                return
            } catch {
                // What is there and wrong says more than what is not there.
                if case .notFound = error { continue }
                found = error
            }
        }
        throw found
    }

    private init(
        at path: String, _ video: ExportedDocument.Video, _ settings: OrderedSettings
    ) throws(Absence) {
        let digest: String?
        do throws(VideoError) {
            input = try VideoInput.locate(path, inputFPS: settings.inputFPS)
            switch input {
            case .file, .image:
                // A pipe would wait for a writer.
                guard SystemFiles.isFile(path) else { throw .notFound(uri: path) }
            case .imageFolder: break
            default: throw .notFound(uri: path)
            }
            digest = try sha256(of: input)
        } catch {
            if case .notFound = error { throw .notFound(path) }
            throw .unreadable("\(error)")
        }
        guard digest == video.sha256 || video.sha256 == nil else { throw .changed(path) }
        playable = if case .file = input, video.duration > 0 { path } else { nil }
    }
}

/// The settings of a document that say how its input is read.
struct OrderedSettings: Sendable, Equatable {
    var inputFPS: Rational

    init(_ origin: ExportedDocument.Origin?) {
        let rate = origin?.settings["input_fps"].flatMap { Rational(text: $0.compact) }
        inputFPS = rate.flatMap { $0.numerator > 0 ? $0 : nil } ?? Rational(2)
    }
}

extension LocalVideo.Absence {
    var message: String {
        switch self {
        case .notFound(let path): "\(path) is not there; --video says where it is now"
        case .changed(let path): "\(path) is not the video that the document speaks of"
        case .address(let uri): "\(uri) is not fetched; --video names a copy on this machine"
        case .unknown(let uri):
            "the document does not tell the bytes of \(uri); --video names a copy of it"
        case .unreadable(let reason): reason
        }
    }
}
