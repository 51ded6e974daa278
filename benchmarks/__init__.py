"""Measurements, each runnable as `python -m benchmarks.NAME`; the figures of record are in RESULTS.md."""
