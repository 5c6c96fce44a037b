internal import CKernels

/// Resizes pictures of one size to another by antialiased bicubic interpolation in 32-bit floats,
/// width first; equal to the reference to the bit, with every instruction set.
///
/// Making one computes the weights; using it is free of state, so any number of threads may share
/// it. Scratch of a call: under 1 MB for common videos.
///
/// - Source: spec 2.6.
public struct Resampler: Sendable {
    public let source: PixelSize
    public let target: PixelSize
    private let horizontal: ResizeAxis
    private let vertical: ResizeAxis
    private let instructions: ResizeLevel

    /// - Precondition: sides from 1 to 2^20 pixels. `smartResize` refuses others.
    public init(from source: PixelSize, to target: PixelSize) {
        self.init(from: source, to: target, instructions: .best)
    }

    /// - Precondition: this processor runs `instructions`.
    package init(from source: PixelSize, to target: PixelSize, instructions: ResizeLevel) {
        precondition(instructions.isSupported, "\(instructions.rawValue) on this processor")
        self.source = source
        self.target = target
        self.instructions = instructions
        horizontal = ResizeAxis(from: source.width, to: target.width)
        vertical = ResizeAxis(from: source.height, to: target.height)
    }

    /// The resized picture, clamped and rounded half to even.
    public func resized(_ image: RGBImage) -> RGBImage {
        let planes = planes(of: image)
        let area = target.area
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * area) { buffer, count in
            for channel in 0..<3 {
                for i in 0..<area {
                    let level = min(max(planes[channel * area + i], 0), 255)
                    buffer[3 * i + channel] = UInt8(level.rounded(.toNearestOrEven))
                }
            }
            count = 3 * area
        }
        return RGBImage(size: target, pixels: pixels)
    }

    /// What comes out of the resampler, neither clamped nor rounded: `[3, height, width]`.
    public func planes(of image: RGBImage) -> [Float] {
        [Float](unsafeUninitializedCapacity: 3 * target.area) { buffer, count in
            run(image) { level, pixels, x, y, scratch in
                rs_resize_planes(level, pixels, &x, &y, scratch, buffer.baseAddress)
            }
            count = 3 * target.area
        }
    }

    /// Writes the resized, rounded and normalised picture as one frame of patch rows.
    func writeRows(of image: RGBImage, to target: rs_patch_target) {
        var target = target
        run(image) { level, pixels, x, y, scratch in
            rs_resize_patches(level, pixels, &x, &y, scratch, &target)
        }
    }

    private func run(
        _ image: RGBImage,
        _ kernel: (
            rs_resize_isa, UnsafePointer<UInt8>?, inout rs_resize_axis, inout rs_resize_axis,
            UnsafeMutablePointer<Float>?
        ) -> Void
    ) {
        precondition(
            image.size == source,
            "a picture of \(image.size) in a resampler for \(source)")
        horizontal.withKernelAxis { x in
            vertical.withKernelAxis { y in
                var x = x
                var y = y
                withUnsafeTemporaryAllocation(
                    byteCount: rs_resize_scratch(&x, &y) * MemoryLayout<Float>.stride,
                    alignment: 64
                ) { scratch in
                    image.pixels.withUnsafeBufferPointer { pixels in
                        kernel(
                            instructions.level, pixels.baseAddress, &x, &y,
                            scratch.bindMemory(to: Float.self).baseAddress)
                    }
                }
            }
        }
    }
}
