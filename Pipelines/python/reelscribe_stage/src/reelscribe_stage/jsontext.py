"""The members of a JSON object as text, for what must come out as it went in.

Python's decoder turns 1.10 into 1.1 and 1e400 into infinity; a job's `meta` must not change.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

_DECODER = json.JSONDecoder()
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")


class JSONTextError(ValueError):
    """A text that is no JSON object."""


def members(text: str) -> dict[str, str]:
    """Key and JSON text of each member of the object that `text` is; the first of equal keys.

    Raises `JSONTextError`.
    """
    found: dict[str, str] = {}
    at = _skip(text, 0)
    at = _skip(text, _expect(text, at, "{"))
    if text[at : at + 1] != "}":
        while True:
            key, at = _value(text, at)
            if not isinstance(key, str):
                raise JSONTextError(f"a key must be a string, not {key!r}")
            start = _skip(text, _expect(text, _skip(text, at), ":"))
            _, end = _value(text, start)
            found.setdefault(key, text[start:end])
            at = _skip(text, end)
            if text[at : at + 1] != ",":
                break
            at = _skip(text, at + 1)
    at = _expect(text, at, "}")
    if _skip(text, at) != len(text):
        raise JSONTextError("there is something behind the object")
    return found


def string(text: str | None) -> str | None:
    """The string that `text` is the JSON of; None where it is another value, or half a surrogate
    pair makes it a string that no file can hold."""
    if text is None or not text.startswith('"'):
        return None
    value = json.loads(text)
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value


def _skip(text: str, at: int) -> int:
    match = _WHITE_SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise JSONTextError(f"{character!r} expected at character {at}")
    return at + 1


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        value: object
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        _fail(error)
    return value, end


def _fail(error: Exception) -> NoReturn:
    raise JSONTextError(str(error)) from error
