import Foundation
import Imaging
import Testing
import Video

/// A view that is drawn: textured ground of a few colours, seen through a camera that may move.
struct Scene: Sendable {
    var seed: UInt64
    /// Mean brightness and how far the texture strays from it.
    var brightness = 120.0
    var contrast = 60.0
    /// Colour differences from grey.
    var blue = 0.0
    var red = 0.0
    /// Size of the largest patches of the texture in pixels.
    var grain = 48.0

    /// Draws the view shifted by `x`, `y` pixels.
    func paint(_ canvas: inout RenderedClip.Canvas, x: Double = 0, y: Double = 0) {
        let (width, height) = (canvas.size.width, canvas.size.height)
        for row in 0..<height {
            let slope = (Double(row) / Double(height) - 0.5) * contrast * 0.6
            for column in 0..<width {
                let (u, v) = (Double(column) + x, Double(row) + y)
                let level =
                    brightness + slope
                    + contrast * (noise(u / grain, v / grain, 0) - 0.5) * 1.4
                    + contrast * (noise(u / grain * 3, v / grain * 3, 1) - 0.5) * 0.5
                canvas.luma[row * width + column] = UInt8(min(max(level, 16), 235))
            }
        }
        for row in 0..<height / 2 {
            for column in 0..<width / 2 {
                let tint = noise(
                    (2 * Double(column) + x) / grain, (2 * Double(row) + y) / grain, 2)
                canvas.blue[row * width / 2 + column] = UInt8(128 + blue * (0.5 + tint))
                canvas.red[row * width / 2 + column] = UInt8(128 + red * (0.5 + tint))
            }
        }
    }

    /// Smooth noise between 0 and 1.
    private func noise(_ x: Double, _ y: Double, _ layer: UInt64) -> Double {
        let (left, top) = (x.rounded(.down), y.rounded(.down))
        func corner(_ dx: Double, _ dy: Double) -> Double {
            var random = SplitMix(
                state: seed &* 0x9E37_79B9 &+ layer &* 77
                    &+ UInt64(bitPattern: Int64(left + dx)) &* 0xD1B5_4A32
                    &+ UInt64(bitPattern: Int64(top + dy)) &* 0x94D0_49BB_1331)
            return random.unit()
        }
        func ease(_ t: Double) -> Double { t * t * (3 - 2 * t) }
        let (a, b) = (ease(x - left), ease(y - top))
        let upper = corner(0, 0) * (1 - a) + corner(1, 0) * a
        let lower = corner(0, 1) * (1 - a) + corner(1, 1) * a
        return upper * (1 - b) + lower * b
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
}

extension RenderedClip.Canvas {
    /// A box of one brightness.
    mutating func box(_ x: Int, _ y: Int, _ wide: Int, _ tall: Int, level: UInt8) {
        for row in max(0, y)..<max(0, min(size.height, y + tall)) {
            for column in max(0, x)..<max(max(0, x), min(size.width, x + wide)) {
                luma[row * size.width + column] = level
            }
        }
    }

    /// The picture `share` of the way to another level; chroma goes to grey.
    mutating func blend(to level: Double, _ share: Double) {
        luma = luma.map { UInt8(Double($0) + (level - Double($0)) * share) }
        blue = blue.map { UInt8(Double($0) + (128 - Double($0)) * share) }
        red = red.map { UInt8(Double($0) + (128 - Double($0)) * share) }
    }

    /// The picture `share` of the way to another picture.
    mutating func blend(to other: Self, _ share: Double) {
        func mix(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
            zip(a, b).map { UInt8(Double($0) + (Double($1) - Double($0)) * share) }
        }
        luma = mix(luma, other.luma)
        blue = mix(blue, other.blue)
        red = mix(red, other.red)
    }

    /// Random grain of so many levels to either side.
    mutating func addGrain(_ levels: Int, seed: Int) {
        var random = SplitMix(state: UInt64(seed) &* 7919)
        for place in luma.indices {
            let shift = Int(truncatingIfNeeded: random.next() >> 32) % (levels + 1)
            luma[place] = UInt8(min(max(Int(luma[place]) + shift, 0), 255))
        }
    }

    /// Black outside a box in the middle.
    mutating func bars(left: Int, top: Int) {
        for row in 0..<size.height {
            for column in 0..<size.width
            where row < top || row >= size.height - top || column < left
                || column >= size.width - left
            {
                luma[row * size.width + column] = 16
                let chroma = row / 2 * (size.width / 2) + column / 2
                (blue[chroma], red[chroma]) = (128, 128)
            }
        }
    }
}

/// A clip with known cuts.
struct RenderedCase: Sendable, CustomTestStringConvertible {
    var name: String
    var frames: Int
    /// Numbers of the first pictures of new shots.
    var cuts: [Int]
    /// Ticks a second, and the time stamps where they are uneven.
    var rate = 25
    var times: [Int]?
    var draw: @Sendable (Int, inout RenderedClip.Canvas) -> Void
    var testDescription: String { name }

    static let size = PixelSize(width: 320, height: 180)

    /// Times in seconds at which shots begin.
    var truth: [Double] { cuts.map { Double(times?[$0] ?? $0) / Double(rate) } }

    /// Shots of equal length, one scene each.
    static func shots(
        _ name: String, _ scenes: [Scene], each length: Int = 30, x: Double = 1, y: Double = 0,
        rate: Int = 25,
        finish: @escaping @Sendable (Int, inout RenderedClip.Canvas) -> Void = { _, _ in }
    ) -> Self {
        Self(
            name: name, frames: scenes.count * length,
            cuts: (1..<max(1, scenes.count)).map { $0 * length }, rate: rate
        ) { index, canvas in
            scenes[index / length].paint(
                &canvas, x: Double(index) * x, y: Double(index % length) * y)
            finish(index, &canvas)
        }
    }

    func write(to path: String) throws {
        try RenderedClip.write(
            to: path, size: Self.size, ticksPerSecond: rate, frames: frames, times: times,
            draw: draw)
    }
}
