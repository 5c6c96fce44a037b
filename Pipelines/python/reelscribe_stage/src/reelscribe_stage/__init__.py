"""Feed jobs to a `reelscribe stage` process and get every answer exactly once."""

from .arguments import StageArguments, StageSetup, exit_status
from .documents import BrokenDocument, Document, JobResult, error_code, error_document
from .manifest import DuplicateID, Job, read_jobs, read_manifest, stable_id
from .results import ResultLog, ResultsBusy, ResultsConflict, ResultsDamaged
from .stage import Limits, Stage, StageFailed

__all__ = [
    "BrokenDocument",
    "Document",
    "DuplicateID",
    "Job",
    "JobResult",
    "Limits",
    "ResultLog",
    "ResultsBusy",
    "ResultsConflict",
    "ResultsDamaged",
    "Stage",
    "StageArguments",
    "StageFailed",
    "StageSetup",
    "error_code",
    "error_document",
    "exit_status",
    "read_jobs",
    "read_manifest",
    "stable_id",
]
