"""The worker pool against jobs that really crash and really hang."""

from __future__ import annotations

import os
import signal
import time

from musegen.corpus.pool import Failure, run_jobs


def work(job: str) -> str:
    if job == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job == "hang":
        time.sleep(600)
    if job == "raise":
        raise RuntimeError("a sentence\nof two lines")
    return job.upper()


def test_a_crash_a_hang_and_an_exception_lose_only_their_own_job() -> None:
    jobs = ["a", "crash", "b", "hang", "c", "raise", "d", "e"]
    began = time.monotonic()
    results = dict(run_jobs(work, jobs, workers=2, limit_s=5.0))
    assert time.monotonic() - began < 60
    assert sorted(results) == list(range(8))
    assert [results[i] for i in (0, 2, 4, 6, 7)] == ["A", "B", "C", "D", "E"]
    assert results[1] == Failure(f"the reader crashed (exit code {-signal.SIGSEGV})")
    assert results[3] == Failure("reading it took too long")
    assert results[5] == Failure("RuntimeError: a sentence of two lines")


def test_no_jobs_start_no_workers() -> None:
    assert list(run_jobs(work, [], workers=2, limit_s=1.0)) == []
