import OrderedJSON
import VideoUnderstanding

/// One piece of work of a batch: a video, what is wanted of it, and how.
public struct Job: Sendable, Equatable {
    /// What is done with the video.
    public enum Task: Sendable, Equatable {
        case summarize
        /// At least one question.
        case ask([String])

        /// The word in a manifest.
        public var name: JobTaskName {
            switch self {
            case .summarize: .summarize
            case .ask: .ask
            }
        }
    }

    public var id: String
    /// As the manifest has it: a file, an address, a folder or a glob of images, or one image.
    public var video: String
    public var task: Task
    /// The settings of the run with the job's own options over them, valid as a whole.
    public var settings: Settings
    /// Carried to the results, untouched.
    public var meta: JSON?

    public init(id: String, video: String, task: Task, settings: Settings, meta: JSON? = nil) {
        self.id = id
        self.video = video
        self.task = task
        self.settings = settings
        self.meta = meta
    }

    /// What ties a result to this job.
    ///
    /// - Parameter question: which of the job's questions a document answers, from 0.
    public func reference(question: Int? = nil) -> JobReference {
        JobReference(id: id, meta: meta, questionIndex: question)
    }

    /// What stands in place of the results where the job cannot be done.
    public func document(of failure: Failure) -> ErrorDocument {
        ErrorDocument(job: reference(), uri: video, failure: failure)
    }
}

/// The tasks as a manifest names them.
public enum JobTaskName: String, Sendable, CaseIterable {
    case summarize, ask
}

/// A line of a manifest that is no job.
public struct InvalidJob: Sendable, Equatable {
    /// The line's own where it has a sound one, else the hash of the line.
    public var id: String
    public var meta: JSON?
    public var video: String?
    /// What is wrong with it.
    public var fault: JobFault
    /// Where it stands, for messages: `line 3`, ….
    public var place: String

    /// `job.invalid`.
    public var failure: Failure { fault.failure(at: place) }

    /// What stands in the results for the line.
    public var document: ErrorDocument {
        ErrorDocument(job: JobReference(id: id, meta: meta), uri: video, failure: failure)
    }
}
