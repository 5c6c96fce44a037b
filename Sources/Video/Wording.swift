/// How numbers and names read in messages to people. Documents hold the exact ones.
enum Wording {
    /// `1 error`, `2 errors`.
    static func count(_ number: Int, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    /// A moment: `0:12.345`, `1:02:03.457`.
    static func moment(_ seconds: Double) -> String { ContactSheet.timecode(seconds) }

    /// A length of time: `12.5 s` below a minute, `1:02:03.457` from there on.
    static func length(_ seconds: Double) -> String {
        guard seconds.magnitude < 59.9995 else { return moment(seconds) }
        // Three decimals without a formatter; whole numbers without a point.
        let thousandths = Int((seconds * 1000).rounded())
        return thousandths % 1000 == 0
            ? "\(thousandths / 1000) s" : "\(Double(thousandths) / 1000) s"
    }

    /// A part of a video: `from 9 s on`, `before 0.5 s`, `from 9 s to 1:02.000`.
    static func range(_ start: Double?, _ end: Double?) -> String {
        switch (start, end) {
        case (let start?, let end?): "from \(length(start)) to \(length(end))"
        case (let start?, nil): "from \(length(start)) on"
        case (nil, let end?): "before \(length(end))"
        case (nil, nil): "at all"
        }
    }

    /// `8 GiB`, `512 MiB`, `12 bytes`.
    static func bytes(_ count: Int) -> String {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        where count >= unit {
            return "\(tenths(Double(count) / Double(unit))) \(name)"
        }
        return Self.count(count, "byte")
    }

    /// `67.1 megapixels`, `900 pixels`.
    static func pixels(_ count: Int) -> String {
        count >= 1_000_000
            ? "\(tenths(Double(count) / 1e6)) megapixels" : Self.count(count, "pixel")
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int(clamping: Int64(min(value, 1e15) * 10 + 0.5))
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    /// A container format, by FFmpeg's name of it, as people call it.
    static func container(_ name: String) -> String {
        switch name {
        case "mov,mp4,m4a,3gp,3g2,mj2": "MP4 or QuickTime"
        case "matroska,webm": "Matroska or WebM"
        case "mpegts": "MPEG transport stream"
        case "avi", "ogg", "flv", "wav", "mp3", "asf", "gif": name.uppercased()
        default: name
        }
    }

    /// What we know of a fault, and what FFmpeg said of it.
    static func reason(_ words: String, ffmpeg line: String?) -> String {
        line.map { "\(words) (FFmpeg: \($0))" } ?? words
    }

    /// Why a file without a byte is no video.
    static let empty = "it is empty (0 bytes)"

    /// How the reason begins where an MP4 or QuickTime file lacks its `moov` box.
    static let missingIndex = "its index is missing, as in a file that was cut off"

    /// Why a container whose format was recognised cannot be opened.
    ///
    /// - Parameters:
    ///   - line: FFmpeg's last error line.
    ///   - endsEarly: reading came to the end of the input.
    static func unreadableHeader(_ line: String?, endsEarly: Bool) -> String {
        if line?.contains("moov atom not found") == true {
            return reason(missingIndex, ffmpeg: line)
        }
        return reason(
            endsEarly ? "it ends inside its header" : "its header is damaged", ffmpeg: line)
    }

    /// Why a video stream gave no picture.
    static func noPicture(_ line: String?) -> String {
        if line?.hasSuffix("partial file") == true {
            return reason("the data of its pictures is missing or cut off", ffmpeg: line)
        }
        return reason("the file describes a video, but holds no picture of it", ffmpeg: line)
    }
}
