"""What the page may ask of a jam, checked, and as options of `musegen jam`: nothing else reaches its command line.

Knows nothing of processes or sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import SettingsError
from ..live.commands import read
from ..live.desk import Desk
from ..live.knobs import KNOBS, MODES

LONGEST = 4096
"""Bytes of one command."""

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Mode = Literal["answer", "accompany", "solo", "loop", "harmonise"]
assert set(Mode.__args__) == set(MODES), "the modes of the jam"  # type: ignore[attr-defined]


class JamSettings(BaseModel):
    """How a jam begins; what is left out is as `musegen jam` has it."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode | None = None
    seed: Name | None = Field(None, description="a file's id, or a shipped seed's name; without: your own notes")
    checkpoint: Name | None = Field(None, description="one of those that /api/checkpoints lists")
    tempo: float | None = Field(None, ge=10, le=400, allow_inf_nan=False)
    meter: str | None = Field(None, pattern=r"^\d{1,2}/\d{1,2}$")
    clock: Literal["own", "midi", "link"] | None = None
    clock_out: bool = False
    port: Name | None = Field(None, description="send to this MIDI port")
    input: Name | None = Field(None, description="listen to this MIDI port; without: to every keyboard")
    thru: bool = False
    count_in: int | None = Field(None, ge=0, le=16)
    click: bool = False
    phrase_bars: int | None = Field(None, ge=0, le=64)
    loop_bars: int | None = Field(None, ge=1, le=64)
    bars: int | None = Field(None, ge=1, le=100_000)
    feel: Name | None = None
    seed_number: int | None = Field(None, ge=0, lt=2**32)
    knobs: dict[str, float | str] = Field({}, max_length=len(KNOBS))


_VALUES = ("mode", "tempo", "meter", "clock", "port", "input", "count_in")
_MORE_VALUES = ("phrase_bars", "loop_bars", "bars", "feel", "seed_number")
_SWITCHES = ("clock_out", "thru", "click")


def arguments(
    wanted: JamSettings, record: Path, seed_file: Callable[[str], Path], checkpoint: Callable[[str], str]
) -> list[str]:
    """`wanted` as what follows `musegen jam --json`; raises MusegenError.

    `seed_file` finds the file that a seed's name stands for, `checkpoint` what the jam knows a checkpoint by.
    """
    given = {name: getattr(wanted, name) for name in (*_VALUES, *_MORE_VALUES)}
    if wanted.seed is not None:
        given["seed"] = seed_file(wanted.seed)
    if wanted.checkpoint is not None:
        given["checkpoint"] = checkpoint(wanted.checkpoint)
    given |= _knobs(wanted.knobs)
    # NAME=VALUE in one word, so that no value can be taken for an option
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
    switches = [f"--{name.replace('_', '-')}" for name in _SWITCHES if getattr(wanted, name)]
    return [f"--record={record}", "--no-wav", *options, *switches]


def _knobs(wanted: dict[str, float | str]) -> dict[str, float | str]:
    desk = Desk()
    for name, value in wanted.items():
        if name not in KNOBS:
            raise SettingsError(f"There is no knob {name!r}; the knobs are {', '.join(KNOBS)}.")
        desk.set(name, value)
    return {name: value for name, value in desk.state().items() if name in wanted}


def command(text: str, checkpoint: Callable[[str], str]) -> dict[str, Any]:
    """One command for a jam (`ToJam` in protocol.ts) from what a page sent; the jam itself checks what it holds.

    Raises SettingsError for what is none.
    """
    found = read(text.encode(errors="replace"), LONGEST)
    kinds = [kind for kind in ("knob", "do", "midi", "ping", "full") if kind in found]
    if len(kinds) != 1:
        raise SettingsError('A command is one of {"knob"…}, {"do"…}, {"midi"…}, {"ping"…} and {"full"…}.')
    if found.get("do") == "checkpoint" and found.get("argument"):
        found["argument"] = checkpoint(str(found["argument"]))
    return {name: found[name] for name in (kinds[0], "value", "argument") if name in found}
