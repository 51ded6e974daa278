"""Training runs, as the log that each writes into its folder tells of them while it grows (`training.progress`).

Only the end of a log is read to say how a run stands, and only what is new to draw on. Knows nothing of requests.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

LOG = "log.jsonl"

QUIET_S = 300.0
"""A run that has written nothing for so long is not training any more: a look at held-out pieces takes less."""

MOST_BYTES = 8 * 2**20
"""Read of a log at once."""

MOST_POINTS = 1500
"""More than a curve on a screen can show."""

_TAIL = 2**17

Record = dict[str, Any]


def folders(*places: Path) -> dict[str, Path]:
    """The runs in these folders by name; the first of two with the same name counts."""
    found: dict[str, Path] = {}
    for place in places:
        for log in sorted(place.glob(f"*/{LOG}")) if place.is_dir() else ():
            if log.parent.name.isprintable():  # else it could not be said in JSON
                found.setdefault(log.parent.name, log.parent)
    return found


def standing(folder: Path) -> Record:
    """protocol.ts' `RunView`: how far the run in a folder is, and whether it goes on."""
    log = folder / LOG
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        records = _records(file.read())
        written = log.stat().st_mtime
    last = records[-1] if records else {}
    return {
        "name": folder.name,
        "state": _state(last, time.time() - written),
        "steps": int(last.get("step", 0)),
        "minutes": round(float(last.get("seconds", 0.0)) / 60, 1),
        "last": _figure(records),
    }


def _state(last: Record, quiet: float) -> str:
    if last and last.get("step") == last.get("of"):
        return "finished"
    return "training" if quiet < QUIET_S else "stopped"


def _figure(records: list[Record]) -> float | None:
    """The latest figure by which the run is judged: of held-out pieces if there is one, else what it is taught by."""
    for name in ("valid", "train", "V"):
        for record in reversed(records):
            if isinstance(record.get(name), int | float):
                return round(float(record[name]), 4)
    return None


def curve(folder: Path, after: int) -> Record:
    """protocol.ts' `RunLog`: what the log holds from the byte `after` on, thinned to what can be drawn.

    A log that is shorter was begun again, or cut back by a run that goes on: then all of it.
    """
    with (folder / LOG).open("rb") as file:
        file.seek(max(0, after - 1))
        start = after if file.read(1) == b"\n" else 0
        file.seek(start)
        data = file.read(MOST_BYTES)
    whole = data[: data.rfind(b"\n") + 1]
    return {"points": thinned([_plain(record) for record in _records(whole)]), "next": start + len(whole)}


def _records(data: bytes) -> list[Record]:
    """The whole lines among `data` that are records; a line that a kill or the bound cut is none."""
    found = []
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def _plain(record: Record) -> Record:
    """Its numbers and short texts; figures within figures get names of two words."""
    flat: Record = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= {f"{name} {inner}": v for inner, v in value.items()}
        else:
            flat[name] = value
    return {name: v for name, v in flat.items() if _shown(v)}


def _shown(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= 80
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def thinned(points: list[Record]) -> list[Record]:
    """At most about MOST_POINTS points: each the last of so many, with the means of what changes from step to step.

    What is in a few points only, such as the figures of held-out pieces, is all kept, in its own place.
    """
    each = -(-len(points) // MOST_POINTS)
    if each <= 1:
        return points
    kept: list[Record] = []
    usual = set.intersection(*(set(point) for point in points))
    block: list[Record] = []
    for point in points:
        block.append(point)
        if len(block) == each or set(point) - usual:
            kept.append(_mean(block))
            block = []
    return [*kept, _mean(block)] if block else kept


def _mean(block: list[Record]) -> Record:
    last = block[-1]
    counters = ("step", "of", "epoch", "seconds", "rate")
    means = {
        name: sum(point[name] for point in block) / len(block)
        for name, value in last.items()
        if name not in counters and not isinstance(value, str) and all(name in point for point in block)
    }
    return {**last, **means}
