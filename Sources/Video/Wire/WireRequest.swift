extension Rational: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        let (top, bottom) = (try reader.int(), try reader.int())
        guard let value = Rational(Int64(top), Int64(bottom)) else {
            throw .invalid("fraction \(top)/\(bottom)")
        }
        self = value
    }

    package func write(to writer: inout WireWriter) {
        writer.put(Int(numerator))
        writer.put(Int(denominator))
    }
}

extension VideoInput: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.int() {
        case 0: self = .file(path: try reader.string())
        case 1: self = .url(try reader.string())
        case 2: self = .standardInput
        case 3:
            self = .imageFolder(
                try reader.array(), framesPerSecond: try reader.value(), uri: try reader.string())
        case 4: self = .image(path: try reader.string())
        case 5:
            self = .fetched(
                path: try reader.string(), uri: try reader.string(), isImage: try reader.bool())
        case let kind: throw .invalid("input \(kind)")
        }
    }

    package func write(to writer: inout WireWriter) {
        switch self {
        case .file(let path):
            writer.put(0)
            writer.put(path)
        case .url(let address):
            writer.put(1)
            writer.put(address)
        case .standardInput:
            writer.put(2)
        case .imageFolder(let paths, let rate, let uri):
            writer.put(3)
            writer.put(paths)
            writer.put(rate)
            writer.put(uri)
        case .image(let path):
            writer.put(4)
            writer.put(path)
        case .fetched(let path, let uri, let isImage):
            writer.put(5)
            writer.put(path)
            writer.put(uri)
            writer.put(isImage)
        }
    }
}

extension SamplingOptions: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        guard let mode = SamplingMode(rawValue: try reader.string()) else {
            throw .invalid("sampling mode")
        }
        self.init(
            mode: mode, fps: try reader.value(), minFrames: try reader.int(),
            maxFrames: try reader.optional(), start: try reader.optional(),
            end: try reader.optional(), needsIndices: try reader.bool(),
            needsPictures: try reader.bool(), detectsCuts: try reader.bool())
    }

    package func write(to writer: inout WireWriter) {
        writer.put(mode.rawValue)
        writer.put(fps)
        writer.put(minFrames)
        writer.put(maxFrames)
        writer.put(start)
        writer.put(end)
        writer.put(needsIndices)
        writer.put(needsPictures)
        writer.put(detectsCuts)
    }
}

extension DecodeLimits: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            maximumPixels: try reader.int(), maximumDuration: try reader.double("duration"),
            maximumBytes: try reader.optional(), maximumStreams: try reader.int(),
            probeBytes: try reader.int(), analyzeBytes: try reader.int(),
            analyzeSeconds: try reader.double("seconds"),
            stallSeconds: try reader.double("seconds"),
            undecodablePackets: try reader.int(), foreignPackets: try reader.int(),
            pipeBytes: try reader.int())
    }

    package func write(to writer: inout WireWriter) {
        writer.put(maximumPixels)
        writer.put(maximumDuration)
        writer.put(maximumBytes)
        writer.put(maximumStreams)
        writer.put(probeBytes)
        writer.put(analyzeBytes)
        writer.put(analyzeSeconds)
        writer.put(stallSeconds)
        writer.put(undecodablePackets)
        writer.put(foreignPackets)
        writer.put(pipeBytes)
    }
}
