"""Watch the videos of a manifest with Spark: one `reelscribe stage` in each partition."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import pandas as pd
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from reelscribe_stage import (
    DuplicateID,
    Job,
    JobResult,
    StageArguments,
    StageFailed,
    StageSetup,
    error_code,
    exit_status,
    read_manifest,
)

JOBS = "number int, line binary"
#: `documents` are JSON: one of a summary, one a question, or one error document. `key` tells
#: results of other lines and other options apart.
RESULTS = (
    "id string, key string, number int, failed boolean, error string, attempts int, "
    "documents array<string>"
)
#: Rows that go back to Spark at once.
_ROWS = 16

Batches = Iterator[pd.DataFrame]


def watching(setup: StageSetup) -> Callable[[Batches], Batches]:
    """What `mapInPandas` calls for each partition: rows of `JOBS` in, rows of `RESULTS` out."""

    def watch(batches: Batches) -> Batches:
        jobs = (
            Job.of(bytes(line), int(number))
            for batch in batches
            for number, line in zip(batch["number"], batch["line"], strict=True)
        )
        rows: list[tuple[object, ...]] = []
        with setup.stage() as stage:
            for result in stage.run(jobs):
                rows.append(row(result, setup.options))
                if len(rows) == _ROWS:
                    yield frame(rows)
                    rows = []
        yield frame(rows)

    return watch


def row(result: JobResult, options: Sequence[str]) -> tuple[object, ...]:
    return (
        result.id,
        result.job.key(options),
        result.job.number,
        result.failed,
        error_code(result),
        result.attempts,
        list(result.documents),
    )


def frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    names = [column.split()[0] for column in RESULTS.split(", ")]
    return pd.DataFrame(rows, columns=names)


def watched(
    spark: SparkSession, jobs: Iterable[Job], setup: StageSetup, partitions: int
) -> DataFrame:
    """A row of `RESULTS` for each job, failed ones included.

    A partition is what is done again when its Python worker dies. A stage that dies costs less: the
    worker starts another.
    """
    rows = [(job.number, job.line) for job in jobs]
    return (
        spark.createDataFrame(rows, JOBS)
        .repartitionByRange(max(1, min(partitions, len(rows))), "number")
        .mapInPandas(watching(setup), RESULTS)
    )


def done_before(spark: SparkSession, output: str) -> dict[str, tuple[str, bool]]:
    """Key and failure of each result, by id."""
    results = spark.read.schema(RESULTS).parquet(output).select("id", "key", "failed")
    return {row["id"]: (row["key"], row["failed"]) for row in results.toLocalIterator()}


def run(
    spark: SparkSession,
    jobs: list[Job],
    output: str,
    setup: StageSetup,
    partitions: int,
    wave: int,
) -> int:
    """Does the jobs that have no result yet, and gives the exit status.

    Spark makes the results of one write visible together, or none of them. So the jobs go in waves:
    what a wave has written is kept whatever becomes of the next.
    """
    # What cannot be written is better found out now than after the first wave.
    spark.createDataFrame([], RESULTS).write.mode("ignore").parquet(output)
    done = done_before(spark, output)
    for job in jobs:
        if job.id in done and done[job.id][0] != job.key(setup.options):
            return say(
                f"{output} holds a result of job {job.id!r} that was made from another line or "
                "with other options: give another output, or the job another id",
                65,
            )
    missing = [job for job in jobs if job.id not in done]
    say(f"{len(jobs)} jobs, {len(jobs) - len(missing)} of them done before")
    for start in range(0, len(missing), wave):
        part = missing[start : start + wave]
        watched(spark, part, setup, partitions).write.mode("append").parquet(output)
        say(f"{len(jobs) - len(missing) + start + len(part)} of {len(jobs)} done")
    failed = sum(failed for _, failed in done_before(spark, output).values())
    return exit_status(len(jobs), failed)


def main(words: Sequence[str]) -> int:
    parser = StageArguments(__doc__ or "")
    parser.add_argument(
        "--partitions", type=int, default=8, help="parts of a wave, several a worker (default: 8)"
    )
    parser.add_argument(
        "--wave", type=int, default=1000, help="jobs that are written together (default: 1000)"
    )
    arguments, setup = parser.parse(words)
    if arguments.partitions < 1 or arguments.wave < 1:
        parser.error("--partitions and --wave are at least 1")
    try:
        jobs = list(read_manifest(arguments.manifest))
    except DuplicateID as error:
        return say(str(error), 65)
    except OSError as error:
        return say(str(error), 66)
    spark = SparkSession.builder.appName("reelscribe").getOrCreate()
    try:
        return run(spark, jobs, arguments.output, setup, arguments.partitions, arguments.wave)
    except PySparkException as error:
        if (said := StageFailed.said(str(error))) is None:
            raise
        return say(said, 78)
    finally:
        spark.stop()


def say(text: str, status: int = 0) -> int:
    print(f"reelscribe_spark: {text}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
