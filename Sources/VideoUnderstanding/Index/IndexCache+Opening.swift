import VideoIndex

public typealias IndexCache = VideoIndex.IndexCache

extension IndexCache {
    /// Opens or makes a folder for indexes.
    ///
    /// - Parameter quota: bytes that they may take together.
    public static func opening(_ folder: String, quota: Int) throws(Failure) -> IndexCache {
        do throws(IndexError) {
            return try IndexCache(folder: folder, quota: quota)
        } catch {
            throw Failure(error, stage: .output)
        }
    }
}
