import Isolation
import VideoUnderstanding

/// What a page shows of the video itself.
struct PageMedia: Sendable, Equatable {
    /// Address of the video relative to the page, percent-encoded; nil where there is none to play.
    var source: String?
    /// JPEG files by the time of the moment they show, in seconds.
    var pictures: [Double: [UInt8]] = [:]
}

extension PageMedia {
    /// Address of a file as seen from a page in `folder`.
    ///
    /// - Returns: nil where a folder does not exist.
    static func address(of file: String, from folder: String) -> String? {
        let parts = file.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty else { return nil }
        let parent = parts.dropLast().joined(separator: "/")
        let place = parts.count == 1 ? "." : parent.isEmpty ? "/" : parent
        // The name is kept where it is a link: the page may lie beside it.
        guard let there = SystemFiles.realPath(place), let here = SystemFiles.realPath(folder)
        else { return nil }
        let to = there.split(separator: "/")
        let from = here.split(separator: "/")
        let shared = zip(to, from).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        let steps =
            [Substring](repeating: "..", count: from.count - shared) + to.dropFirst(shared)
            + [name]
        // "./" so that a colon in a name is no scheme.
        return "./" + steps.map(encoded).joined(separator: "/")
    }

    private static func encoded(_ step: Substring) -> String {
        var text = ""
        for byte in step.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (byte < 16 ? "0" : "") + digits
            }
        }
        return text
    }
}

/// Where a page finds its video, and whether it gets pictures of it.
public struct PageSource: Sendable {
    /// The video, where it is not where the document says.
    public var video: String?
    /// Folder of the document; nil for standard input.
    public var documentFolder: String?
    /// Folder into which the page goes.
    public var pageFolder: String
    public var hasThumbnails: Bool
    /// Decodes in processes of their own; nil: in this one.
    public var workers: DecodeWorkers?

    public init(
        video: String? = nil, documentFolder: String? = nil, pageFolder: String = ".",
        hasThumbnails: Bool = true, workers: DecodeWorkers? = nil
    ) {
        self.video = video
        self.documentFolder = documentFolder
        self.pageFolder = pageFolder
        self.hasThumbnails = hasThumbnails
        self.workers = workers
    }

    /// - Parameters:
    ///   - notice: gets what a person must know that does not stop the work.
    ///   - proceed: called between pictures; whoever throws ends the work.
    func media(
        of group: VideoGroup, notice: (String) -> Void, proceed: () throws(Failure) -> Void
    ) throws(Failure) -> PageMedia {
        guard let facts = group.video else { return PageMedia() }
        let local: LocalVideo
        do throws(LocalVideo.Absence) {
            local = try LocalVideo(
                of: facts, settings: OrderedSettings(group.documents.first?.origin), path: video,
                folder: documentFolder)
        } catch {
            notice("the page has no pictures and no video: \(error.message)")
            return PageMedia()
        }
        var media = PageMedia()
        media.source = local.playable.flatMap { PageMedia.address(of: $0, from: pageFolder) }
        guard hasThumbnails else { return media }
        let times = Set(group.keyframes)
        media.pictures = try KeyFrames(input: local.input, workers: workers).pictures(
            at: Array(times), proceed: proceed)
        let missing = times.count - media.pictures.count
        if missing > 0 {
            notice("\(missing) of \(times.count) key frames could not be decoded")
        }
        return media
    }
}

extension VideoGroup {
    /// Times of all key frames.
    var keyframes: [Double] {
        summaries.flatMap { $0.segments.map(\.keyframe) }
            + answers.flatMap { $0.evidence.map(\.keyframe) }
    }
}
