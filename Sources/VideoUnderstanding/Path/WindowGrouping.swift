/// Decides which consecutive windows of a video are described together, from their sizes alone, so
/// that a plan knows it before anything is read.
///
/// What the model remembers of all windows of a group is in memory at a time. A group ends where there
/// is no room for it, or where there are as many windows as are to be described together; a window
/// that is too large for any group is described by itself.
package struct WindowGrouping: Sendable, Equatable {
    /// Bytes of keys and values of the windows of a group, at most, where the memory allows it: two
    /// windows of half a minute of the 2B model in 32 bits, eight in 8 bits. More would save little, as
    /// reading such windows takes far longer than describing them; short ones, between cuts, fit by
    /// the dozen.
    package static let standardBytes = 512 << 20

    /// Windows of a group, at most.
    package let windows: Int
    /// Bytes of keys and values of a group, at most, but for a single window's.
    package let bytes: Int
    private var count = 0
    private var taken = 0

    package init(windows: Int, bytes: Int = standardBytes) {
        precondition(windows > 0, "groups of \(windows) windows")
        self.windows = windows
        self.bytes = bytes
    }

    /// Where groups end around a window.
    package struct Place: Sendable, Equatable {
        /// The windows before it are a group without it.
        package var endsBefore: Bool
        /// It is the last of its group, whatever follows.
        package var endsAfter: Bool
    }

    /// Takes the next window.
    ///
    /// - Parameters:
    ///   - bytes: of its keys and values.
    ///   - least: of those of the smallest window that may follow.
    package mutating func add(_ bytes: Int, least: Int) -> Place {
        let endsBefore = count > 0 && taken + bytes > self.bytes
        if endsBefore { (count, taken) = (0, 0) }
        count += 1
        taken += bytes
        let endsAfter = count >= windows || taken + least > self.bytes
        if endsAfter { (count, taken) = (0, 0) }
        return Place(endsBefore: endsBefore, endsAfter: endsAfter)
    }
}
