extension SubtitleCue: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        start = try reader.double("start")
        end = try reader.double("end")
        text = try reader.string()
        guard start >= 0, end > start, end <= SubtitleLimits.seconds else {
            throw .invalid("times of a subtitle")
        }
        let isClean = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isClean, !text.isEmpty, text.utf8.count <= SubtitleLimits.textBytes * 64 else {
            throw .invalid("text of a subtitle")
        }
    }

    package func write(to writer: inout WireWriter) {
        writer.put(start)
        writer.put(end)
        writer.put(text)
    }
}

extension EmbeddedSubtitles.Stream: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        func tag(_ text: String, _ name: String) throws(WireError) -> String {
            let isTag = text.utf8.allSatisfy { (33...126).contains($0) }
            guard isTag, (1...64).contains(text.utf8.count) else { throw .invalid(name) }
            return text
        }
        index = try reader.int(in: WireBounds.count, "stream")
        codec = try tag(try reader.string(), "codec")
        language = try reader.bool() ? try tag(try reader.string(), "language") : nil
    }

    package func write(to writer: inout WireWriter) {
        writer.put(index)
        writer.put(codec)
        writer.put(language)
    }
}

extension EmbeddedSubtitles: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        stream = try reader.optional()
        cues = try reader.array()
        others = try reader.array()
        pictures = try reader.array()
        damaged = try reader.int(in: WireBounds.count, "packets")
        startTime = try reader.double("start time")
        guard cues.count <= SubtitleLimits.cues else { throw .invalid("number of subtitles") }
    }

    package func write(to writer: inout WireWriter) {
        writer.put(stream)
        writer.put(cues)
        writer.put(others)
        writer.put(pictures)
        writer.put(damaged)
        writer.put(startTime)
    }
}
