"""Watch the videos of a manifest with Ray Data: one `reelscribe stage` in each actor of a pool."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict, cast

import numpy as np
import pyarrow as pa
import ray.data
import ray.exceptions

import ray
from reelscribe_stage import (
    DuplicateID,
    Job,
    JobResult,
    ResultLog,
    ResultsBusy,
    ResultsConflict,
    ResultsDamaged,
    StageArguments,
    StageFailed,
    StageSetup,
    exit_status,
    read_manifest,
)


class Row(TypedDict):
    """A job and what came of it: `documents` is empty before, and has the job's answers after."""

    number: int
    line: bytes
    documents: list[str]
    failed: bool
    attempts: int


class Watcher:
    """An actor: a stage that lives as long as it does, so that the model is loaded once."""

    def __init__(self, setup: StageSetup) -> None:
        self.stage = setup.stage()

    def __call__(self, block: dict[str, np.ndarray]) -> dict[str, list[object]]:
        jobs = [
            Job.of(bytes(line), int(n))
            for line, n in zip(block["line"], block["number"], strict=True)
        ]
        results = list(self.stage.run(jobs))
        return {
            "number": [result.job.number for result in results],
            "line": [result.job.line for result in results],
            "documents": [list(result.documents) for result in results],
            "failed": [result.failed for result in results],
            "attempts": [result.attempts for result in results],
        }


def watched(
    jobs: Iterable[Job], setup: StageSetup, workers: int, block_size: int
) -> ray.data.Dataset:
    """A data set with a row for each job, failed ones included.

    A block is what is done again when an actor dies. A stage that dies costs less: its actor starts
    another.
    """
    rows = [{"number": job.number, "line": job.line} for job in jobs]
    blocks = max(1, -(-len(rows) // block_size))
    return ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        Watcher,
        fn_constructor_args=(setup,),
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=setup.threads,
    )


def results_of(data: ray.data.Dataset) -> Iterator[list[JobResult]]:
    """The results of each block, as soon as the block is done."""
    for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        rows: list[Row] = cast(pa.Table, batch).to_pylist()
        yield [
            JobResult(
                Job.of(row["line"], row["number"]),
                tuple(row["documents"]),
                row["failed"],
                row["attempts"],
            )
            for row in rows
        ]


def main(words: Sequence[str]) -> int:
    parser = StageArguments(__doc__ or "")
    parser.add_argument("--workers", type=int, default=2, help="actors (default: %(default)s)")
    parser.add_argument(
        "--block-size",
        type=int,
        default=8,
        help="jobs that are handed out, and kept, together (default: %(default)s)",
    )
    parser.add_argument(
        "--address", default="local", help="auto: a running cluster (default: one of our own)"
    )
    arguments, setup = parser.parse(words)
    if arguments.workers < 1 or arguments.block_size < 1:
        parser.error("--workers and --block-size are at least 1")
    try:
        jobs = list(read_manifest(arguments.manifest))
        with ResultLog(arguments.output, setup.options) as log:
            missing = list(log.missing(jobs))
            say(f"{len(jobs)} jobs, {len(jobs) - len(missing)} of them done before")
            if missing:
                start(arguments.address, arguments.workers * setup.threads)
                data = watched(missing, setup, arguments.workers, arguments.block_size)
                for results in results_of(data):
                    log.append(results)
                    say(f"{len(log)} of {len(jobs)} done, {log.failed} failed")
            return exit_status(len(jobs), log.failed)
    except (DuplicateID, ResultsConflict, ResultsDamaged) as error:
        return say(str(error), 65)
    except ResultsBusy as error:
        return say(str(error), 75)
    except OSError as error:
        return say(str(error), 74 if error.filename is None else 66)
    except ray.exceptions.RayError as error:
        if (said := StageFailed.said(str(error))) is None:
            raise
        return say(said, 78)


def say(text: str, status: int = 0) -> int:
    print(f"reelscribe_ray: {text}", file=sys.stderr, flush=True)
    return status


def start(address: str, cores: int) -> None:
    if address == "local":
        # The results are small and pass at once: the object store needs no share of the memory.
        ray.init("local", num_cpus=cores, object_store_memory=100 << 20, include_dashboard=False)
    else:
        ray.init(address)
    ray.data.DataContext.get_current().enable_progress_bars = False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
