/// Errors travel as they are, so that a document does not tell whether another process decoded.
extension VideoError: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.int() {
        case 0: self = .notFound(uri: try reader.string())
        case 1: self = .cannotOpen(uri: try reader.string(), reason: try reader.string())
        case 2: self = .unsupportedURL(uri: try reader.string())
        case 3: self = .unreachable(uri: try reader.string(), reason: try reader.string())
        case 4: self = .noPictures(uri: try reader.string())
        case 5: self = .notAVideo(uri: try reader.string(), reason: try reader.string())
        case 6: self = .namesOtherInputs(uri: try reader.string(), format: try reader.string())
        case 7: self = .noVideoStream(uri: try reader.string(), container: try reader.string())
        case 8: self = .noDecoder(uri: try reader.string(), codec: try reader.string())
        case 9:
            self = .nothingDecodable(
                uri: try reader.string(), reason: try reader.string(), encrypted: try reader.bool())
        case 10: self = .stalled(uri: try reader.string(), seconds: try reader.double("seconds"))
        case 11:
            self = .tooManyPixels(
                uri: try reader.string(), width: try reader.int(), height: try reader.int(),
                limit: try reader.int())
        case 12: self = .tooLong(uri: try reader.string(), limit: try reader.double("seconds"))
        case 13:
            self = .tooManyStreams(
                uri: try reader.string(), count: try reader.int(), limit: try reader.int())
        case 14: self = .pipeTooLarge(uri: try reader.string(), limit: try reader.int())
        case 15: self = .tooManyBytes(uri: try reader.string(), limit: try reader.int())
        case 16: self = .hostNotAllowed(uri: try reader.string(), host: try reader.string())
        case 17: self = .decoderCrashed(uri: try reader.string(), reason: try reader.string())
        case 18:
            self = .decoderTooSlow(uri: try reader.string(), seconds: try reader.double("seconds"))
        case 19: self = .decoderOutOfMemory(uri: try reader.string(), limit: try reader.int())
        case 20:
            self = .emptyRange(
                uri: try reader.string(), start: try reader.optional(), end: try reader.optional(),
                duration: try reader.double("seconds"))
        case 21: self = .invalidSampling(reason: try reader.string())
        case 22: self = .cannotEncode(reason: try reader.string())
        case 23: self = .systemFailure(operation: try reader.string(), reason: try reader.string())
        case 24: self = .decoderLost(uri: try reader.string(), reason: try reader.string())
        case 25: self = .holdsVideos(uri: try reader.string(), first: try reader.string())
        case let kind: throw .invalid("error \(kind)")
        }
    }

    package func write(to writer: inout WireWriter) {
        switch self {
        case .notFound(let uri):
            writer.put(0)
            writer.put(uri)
        case .cannotOpen(let uri, let reason):
            writer.put(1)
            writer.put(uri)
            writer.put(reason)
        case .unsupportedURL(let uri):
            writer.put(2)
            writer.put(uri)
        case .unreachable(let uri, let reason):
            writer.put(3)
            writer.put(uri)
            writer.put(reason)
        case .noPictures(let uri):
            writer.put(4)
            writer.put(uri)
        case .notAVideo(let uri, let reason):
            writer.put(5)
            writer.put(uri)
            writer.put(reason)
        case .namesOtherInputs(let uri, let format):
            writer.put(6)
            writer.put(uri)
            writer.put(format)
        case .noVideoStream(let uri, let container):
            writer.put(7)
            writer.put(uri)
            writer.put(container)
        case .noDecoder(let uri, let codec):
            writer.put(8)
            writer.put(uri)
            writer.put(codec)
        case .nothingDecodable(let uri, let reason, let encrypted):
            writer.put(9)
            writer.put(uri)
            writer.put(reason)
            writer.put(encrypted)
        case .stalled(let uri, let seconds):
            writer.put(10)
            writer.put(uri)
            writer.put(seconds)
        case .tooManyPixels(let uri, let width, let height, let limit):
            writer.put(11)
            writer.put(uri)
            writer.put(width)
            writer.put(height)
            writer.put(limit)
        case .tooLong(let uri, let limit):
            writer.put(12)
            writer.put(uri)
            writer.put(limit)
        case .tooManyStreams(let uri, let count, let limit):
            writer.put(13)
            writer.put(uri)
            writer.put(count)
            writer.put(limit)
        case .pipeTooLarge(let uri, let limit):
            writer.put(14)
            writer.put(uri)
            writer.put(limit)
        case .tooManyBytes(let uri, let limit):
            writer.put(15)
            writer.put(uri)
            writer.put(limit)
        case .hostNotAllowed(let uri, let host):
            writer.put(16)
            writer.put(uri)
            writer.put(host)
        case .decoderCrashed(let uri, let reason):
            writer.put(17)
            writer.put(uri)
            writer.put(reason)
        case .decoderTooSlow(let uri, let seconds):
            writer.put(18)
            writer.put(uri)
            writer.put(seconds)
        case .decoderOutOfMemory(let uri, let limit):
            writer.put(19)
            writer.put(uri)
            writer.put(limit)
        case .emptyRange(let uri, let start, let end, let duration):
            writer.put(20)
            writer.put(uri)
            writer.put(start)
            writer.put(end)
            writer.put(duration)
        case .invalidSampling(let reason):
            writer.put(21)
            writer.put(reason)
        case .cannotEncode(let reason):
            writer.put(22)
            writer.put(reason)
        case .systemFailure(let operation, let reason):
            writer.put(23)
            writer.put(operation)
            writer.put(reason)
        case .decoderLost(let uri, let reason):
            writer.put(24)
            writer.put(uri)
            writer.put(reason)
        case .holdsVideos(let uri, let first):
            writer.put(25)
            writer.put(uri)
            writer.put(first)
        }
    }
}
