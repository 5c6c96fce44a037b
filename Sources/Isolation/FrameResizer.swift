import Imaging
import Video

/// Resizes frames as the vision path would, so that far fewer bytes are sent, or wait.
///
/// A picture that stands twice is resized once.
package struct FrameResizer {
    private let target: PixelSize
    private var resampler: Resampler?
    private var latest: (index: Int, image: RGBImage)?

    package init(_ target: PixelSize) { self.target = target }

    package mutating func resized(_ frame: SampledFrame) -> SampledFrame {
        guard frame.image.size.area > 0 else { return frame }
        var frame = frame
        if let latest, latest.index == frame.index {
            frame.image = latest.image
            return frame
        }
        let size = frame.image.size
        let resampler =
            if let resampler, resampler.source == size { resampler } else {
                Resampler(from: size, to: target)
            }
        self.resampler = resampler
        frame.image = resampler.resized(frame.image)
        latest = (frame.index, frame.image)
        return frame
    }
}
