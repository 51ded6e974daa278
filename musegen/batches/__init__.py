"""Hundreds of pieces overnight: drawn in groups over the cores, told apart, ranked, and never lost."""

from __future__ import annotations

import os


def one_thread_each() -> None:
    """Have numpy, where it is not yet imported, and processes that are yet to start, calculate on one thread each.

    Small products are fastest so, and the cores are for other pieces.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
