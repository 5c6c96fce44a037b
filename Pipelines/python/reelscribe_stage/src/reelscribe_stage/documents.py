"""Documents: what a stage answers, and the error document that stands in where it cannot."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .jsontext import JSONTextError, members, string
from .manifest import Job

ERROR_SCHEMA = "reelscribe/error@1"


class BrokenDocument(ValueError):
    """A line that no working stage writes."""


@dataclass(frozen=True, slots=True)
class Document:
    """One answer of a stage, as the text it came as, with what is needed to match it to its job."""

    text: str
    id: str | None
    schema: str
    question_index: int | None
    version: str | None

    @classmethod
    def of(cls, line: bytes) -> Document:
        """Raises `BrokenDocument`."""
        try:
            text = line.decode("utf-8").strip()
            found = members(text)
        except (UnicodeDecodeError, JSONTextError) as error:
            raise BrokenDocument(f"not a JSON object: {error}") from error
        schema = string(found.get("schema"))
        if schema is None or not schema.startswith("reelscribe/"):
            raise BrokenDocument("a JSON object, but not a document of reelscribe")
        index = found.get("question_index")
        try:
            tool = members(found["tool"]) if "tool" in found else {}
            question_index = None if index is None else int(index)
        except (JSONTextError, ValueError) as error:
            raise BrokenDocument(f"a malformed document: {error}") from error
        return cls(
            text, string(found.get("id")), schema, question_index, string(tool.get("version"))
        )

    @property
    def is_error(self) -> bool:
        return self.schema == ERROR_SCHEMA


@dataclass(frozen=True, slots=True)
class JobResult:
    """Everything that came of one job: it is there once, and as a whole."""

    job: Job
    #: JSON text, a document each: one of a summary, one a question, or one error document.
    documents: tuple[str, ...]
    #: Whether one of the documents is an error document.
    failed: bool
    #: How many processes worked on the job; more than 1 where some of them died.
    attempts: int

    @property
    def id(self) -> str:
        return self.job.id


def error_code(result: JobResult) -> str | None:
    """The code of the first error document of a result; None where it has none."""
    for text in result.documents:
        found = members(text)
        if string(found.get("schema")) == ERROR_SCHEMA:
            return string(members(found.get("error", "{}")).get("code"))
    return None


def questions_of(job: Job) -> int | None:
    """How many answers the job asks for; None where it has one result as a whole."""
    try:
        found = members(job.line.decode("utf-8"))
        if string(found.get("task")) != "ask":
            return None
        questions: object = json.loads(found.get("questions", "null"))
    except (UnicodeDecodeError, JSONTextError, RecursionError):
        return None
    return len(questions) if isinstance(questions, list) and questions else None


def error_document(
    job: Job, *, message: str, hint: str | None, version: str | None, code: str = "internal"
) -> str:
    """The error document of a job that no process lived to answer.

    It follows the tool's own schema, and the members stand in the tool's order.
    """
    parts = [f'"schema":{_text(ERROR_SCHEMA)}', f'"id":{_text(job.id)}']
    if job.meta is not None:
        parts.append(f'"meta":{job.meta}')
    if job.video is not None:
        parts.append(f'"video":{{"uri":{_text(job.video)}}}')
    error = {
        "code": code,
        "stage": "tool",
        "message": message,
        "hint": hint,
        "retryable": True,
    }
    parts.append(f'"error":{_text(error)}')
    parts.append(f'"tool":{_text({"name": "reelscribe", "version": version or "unknown"})}')
    return "{" + ",".join(parts) + "}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
