import Imaging

extension VideoDescription: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        uri = try reader.string()
        container = try reader.string()
        codec = try reader.string()
        duration = try reader.double("duration")
        startTime = try reader.double("start time")
        width = try reader.int(in: WireBounds.side, "width")
        height = try reader.int(in: WireBounds.side, "height")
        rotation = try reader.int(in: -180...180, "rotation")
        frameRate = try reader.optional()
    }

    package func write(to writer: inout WireWriter) {
        writer.put(uri)
        writer.put(container)
        writer.put(codec)
        writer.put(duration)
        writer.put(startTime)
        writer.put(width)
        writer.put(height)
        writer.put(rotation)
        writer.put(frameRate)
    }
}

/// What sizes can be before any arithmetic is done with them.
package enum WireBounds {
    package static let side = 0...1 << 20
    /// Frames and their numbers: far more than any video has, and sums of them do not overflow.
    package static let count = 0...1 << 40
}

extension TimeSpan: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        self.init(start: try reader.double("start"), end: try reader.double("end"))
    }

    package func write(to writer: inout WireWriter) {
        writer.put(start)
        writer.put(end)
    }
}

extension VideoWarning: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        let code = try reader.string()
        let allowed = code.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 || $0 == 46 }
        guard allowed, !code.isEmpty else { throw .invalid("warning code") }
        self.init(code: code, message: try reader.string())
    }

    package func write(to writer: inout WireWriter) {
        writer.put(code)
        writer.put(message)
    }
}

extension DecodeReport: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        framesDecoded = try reader.int(in: WireBounds.count, "frames")
        coverage = Coverage(seen: try reader.array(), unseen: try reader.array())
        warnings = try reader.array()
    }

    package func write(to writer: inout WireWriter) {
        writer.put(framesDecoded)
        writer.put(coverage.seen)
        writer.put(coverage.unseen)
        writer.put(warnings)
    }
}

extension SampledFrame: WireValue {
    /// Everything but the pixels, which follow as they are.
    package init(from reader: inout WireReader) throws(WireError) {
        index = try reader.int(in: WireBounds.count, "index")
        time = try reader.double("time")
        instant = try reader.double("instant")
        shotStart = try reader.optional()
        let size = PixelSize(
            width: try reader.int(in: WireBounds.side, "width"),
            height: try reader.int(in: WireBounds.side, "height"))
        // Without a picture both are 0.
        guard size.area > 0 || size == PixelSize(width: 0, height: 0) else {
            throw .invalid("\(size.width)×\(size.height) pixels")
        }
        let pixels = reader.remainder()
        guard pixels.count == 3 * size.area else {
            throw .invalid("\(pixels.count) bytes for \(size.width)×\(size.height) pixels")
        }
        image = RGBImage(size: size, pixels: Array(pixels))
    }

    package func write(to writer: inout WireWriter) {
        writer.put(index)
        writer.put(time)
        writer.put(instant)
        writer.put(shotStart)
        writer.put(image.size.width)
        writer.put(image.size.height)
        writer.append(image.pixels)
    }
}
