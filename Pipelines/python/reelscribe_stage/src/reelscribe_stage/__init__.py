"""Feed jobs to a `reelscribe stage` process and get every answer exactly once."""

from .documents import BrokenDocument, Document, JobResult, error_document
from .manifest import DuplicateID, Job, read_jobs, read_manifest, stable_id
from .stage import Limits, Stage, StageFailed

__all__ = [
    "BrokenDocument",
    "Document",
    "DuplicateID",
    "Job",
    "JobResult",
    "Limits",
    "Stage",
    "StageFailed",
    "error_document",
    "read_jobs",
    "read_manifest",
    "stable_id",
]
