"""Documents: what a stage answers, and the error document that stands in where it cannot."""

from __future__ import annotations

import json
import re
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

    @property
    def code(self) -> str | None:
        """The code of an error document."""
        return string(_error(self.text).get("code")) if self.is_error else None

    def placed(self, job: Job) -> str:
        """The text, where a line that is no job is named by its number in the manifest.

        A stage counts the lines that it got itself, which is of no use to who must mend the line.
        """
        if self.code != "job.invalid":
            return self.text
        document, error = members(self.text), _error(self.text)
        message = string(error.get("message")) or ""
        place = f"line {job.number}: " if job.number else ""
        error["message"] = _text(re.sub(r"\Aline [0-9]+: ", place, message))
        document["error"] = _object(error)
        return _object(document)


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
    codes = (Document.of(text.encode()).code for text in result.documents)
    return next((code for code in codes if code is not None), None)


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
    document = {"schema": _text(ERROR_SCHEMA), "id": _text(job.id)}
    if job.meta is not None:
        document["meta"] = job.meta
    if job.video is not None:
        document["video"] = _text({"uri": job.video})
    error = {"code": code, "stage": "tool", "message": message, "hint": hint, "retryable": True}
    document["error"] = _text(error)
    document["tool"] = _text({"name": "reelscribe", "version": version or "unknown"})
    return _object(document)


def _error(document: str) -> dict[str, str]:
    try:
        return members(members(document).get("error", "{}"))
    except JSONTextError:
        return {}


def _object(members: dict[str, str]) -> str:
    return "{" + ",".join(f"{_text(key)}:{value}" for key, value in members.items()) + "}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
