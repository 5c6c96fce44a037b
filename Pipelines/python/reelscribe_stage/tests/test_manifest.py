from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

from reelscribe_stage import DuplicateID, Job, error_document, read_jobs, read_manifest, stable_id
from reelscribe_stage.documents import BrokenDocument, Document, questions_of
from reelscribe_stage.jsontext import JSONTextError, members


def test_a_line_without_an_id_gets_the_hash_of_its_bytes() -> None:
    # The tool computes the same; another rule would make every answer a stranger.
    line = b'{"video":"a.mp4","task":"summarize"}'
    expected = hashlib.sha256(line).hexdigest()[:32]
    assert stable_id(line) == expected
    assert Job.of(b" \t" + line + b" \r\n").id == expected
    assert Job.of(line.decode()).id == expected


@pytest.mark.parametrize(
    ("line", "id"),
    [
        (b'{"id":"a","video":"v"}', "a"),
        (b'{"video":"v", "id" : "\\u00e9"}', "\u00e9"),
        ('{"id":"\u00e9"}'.encode(), "\u00e9"),
        # The first of two, as the tool reads it.
        (b'{"id":"a","id":"b"}', "a"),
    ],
)
def test_a_sound_id_is_the_key(line: bytes, id: str) -> None:
    assert Job.of(line, 7) == Job(id, line, 7)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":""}',
        b'{"id":null}',
        b'{"id":7}',
        b'{"id":["a"]}',
        b'{"id":"\\ud800"}',
        b'{"id":"a"',
        b'{"id":"a"} x',
        b'["id"]',
        b"\xff\xfe",
        b"\x00",
        b"{}",
        b"[" * 100_000,
    ],
)
def test_without_a_sound_id_the_hash_is_the_key(line: bytes) -> None:
    assert Job.of(line).id == stable_id(line)
    assert Job.of(line).meta is None


@pytest.mark.parametrize("line", [b'{"id":"a"}\n{"id":"b"}', b"", b" \t\r\n"])
def test_a_job_is_one_line_that_is_not_empty(line: bytes) -> None:
    # A stage passes over empty lines: no answer would ever come.
    with pytest.raises(ValueError, match="one line"):
        Job.of(line)


def test_any_change_of_line_or_options_changes_the_key() -> None:
    one, other = Job.of(b'{"id":"a","video":"v"}'), Job.of(b'{"id":"a","video":"w"}')
    assert one.id == other.id
    keys = [one.key(), other.key(), one.key(["--x", "y"]), one.key(["--xy"]), one.key(["--x y"])]
    assert len(set(keys)) == len(keys)
    assert one.key(["--x"]) == Job.of(b' {"id":"a","video":"v"} ').key(["--x"])


def test_a_manifest_is_read_with_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(b'{"id":"a"}\r\n\n  \n{"id":"b"}\nnot json\n{"id":"c"}')
    jobs = list(read_manifest(path))
    assert [(job.id, job.number) for job in jobs] == [
        ("a", 1),
        ("b", 4),
        (stable_id(b"not json"), 5),
        ("c", 6),
    ]


def test_two_jobs_of_one_id_are_refused_and_two_equal_lines_are_one_job() -> None:
    with pytest.raises(DuplicateID, match="line 2: the id 'a' was used by line 1"):
        list(read_jobs([b'{"id":"a","video":"v"}', b'{"id":"a","video":"w"}']))
    assert len(list(read_jobs([b'{"video":"v"}\n', b'{"video":"v"}']))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", {}),
        (' { "a" : 1.10 , "b":[1,{"c":"}"}] } ', {"a": "1.10", "b": '[1,{"c":"}"}]'}),
        ('{"a":1e999,"a":2}', {"a": "1e999"}),
        ('{"\\u0061":null}', {"a": "null"}),
    ],
)
def test_members_are_text(text: str, expected: dict[str, str]) -> None:
    assert members(text) == expected


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a"}', '{"a":}', '{"a":1,}', "{1:2}", "{}{}"])
def test_what_is_no_object_has_no_members(text: str) -> None:
    with pytest.raises(JSONTextError):
        members(text)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (b'{"task":"ask","questions":["a","b"]}', 2),
        (b'{"task":"ask","questions":[]}', None),
        (b'{"task":"ask"}', None),
        (b'{"task":"summarize","questions":["a"]}', None),
        (b"nonsense", None),
    ],
)
def test_questions_are_counted(line: bytes, count: int | None) -> None:
    assert questions_of(Job.of(line)) == count


def test_an_error_document_carries_meta_to_the_digit() -> None:
    job = Job.of('{"id":"\u00e9","video":"v\\n","meta":{"price":1.10,"n":1e999,"é":[]}}')
    text = error_document(job, message="m", hint=None, version="1.2.3")
    assert '"meta":{"price":1.10,"n":1e999,"é":[]}' in text
    read = json.loads(text)
    assert list(read) == ["schema", "id", "meta", "video", "error", "tool"]
    assert read["id"] == "\u00e9"
    assert read["video"] == {"uri": "v\n"}
    assert read["error"]["code"] == "internal"
    assert read["tool"] == {"name": "reelscribe", "version": "1.2.3"}
    assert Document.of(text.encode()).is_error


SCHEMA = Path(__file__).parents[4] / "Sources/VideoUnderstanding/Schemas/error.schema.json"


@pytest.mark.skipif(not SCHEMA.exists(), reason="the package is not inside its repository")
@pytest.mark.parametrize("line", [b'{"id":"a","video":"v","meta":1}', b"\xff", b"{}"])
@pytest.mark.parametrize("version", ["1.2.3", None])
def test_an_error_document_follows_the_schema_of_the_tool(line: bytes, version: str | None) -> None:
    text = error_document(Job.of(line), message="m", hint=None, version=version)
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(("number", "place"), [(12, "line 12: "), (0, "")])
def test_a_bad_line_is_named_by_its_place_in_the_manifest(number: int, place: str) -> None:
    said = (
        '{"schema":"reelscribe/error@1","id":"a","meta":{"x":1.10,"message":"line 3: no"},'
        '"error":{"code":"job.invalid","message":"line 3: é","hint":null},"tool":{}}'
    )
    job = Job.of(b"{", number)
    before, after = said.rsplit("line 3: ", 1)
    assert Document.of(said.encode()).placed(job) == before + place + after
    # Only of lines that are no jobs is the place the message's own.
    other = said.replace("job.invalid", "decode.damaged")
    assert Document.of(other.encode()).placed(job) == other


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"warning: something",
        b"\xff",
        b"[]",
        b'{"schema":"other/summary@1"}',
        b'{"id":"a"}',
        b'{"schema":"reelscribe/answer@1","question_index":"one"}',
        b'{"schema":"reelscribe/answer@1","tool":3}',
    ],
)
def test_what_is_no_document_is_told_apart(line: bytes) -> None:
    with pytest.raises(BrokenDocument):
        Document.of(line)
