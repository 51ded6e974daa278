"""What this machine has for playing live: MIDI systems and their ports, sound, and the permission to be punctual.

Looks only; measuring is done by `loop_back.py` and `speed.py`.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from importlib.util import find_spec

from ..audio import fluidsynth_module, how_to_install, soundfont_path
from ..errors import FileError, MissingPackageError, PortError
from .ports import System, available

PRIORITY = 60  # as the port process asks for (`sender.be_punctual`)
HOW_TO_HURRY = (
    "Put the line  @audio - rtprio 95  into /etc/security/limits.d/audio.conf, run  sudo usermod -aG audio $USER"
    "  and log in again; without it a busy machine can hold notes up."
)


@dataclass(frozen=True)
class Extra:
    """Something that a jam can do without: what it is for, and how to get it if it is `missing` (else empty)."""

    name: str
    purpose: str
    missing: str = ""


@dataclass(frozen=True)
class Surroundings:
    """MIDI systems, best first; `trouble` is why they could not be listed, empty if they could."""

    systems: tuple[System, ...]
    extras: tuple[Extra, ...]
    trouble: str = ""

    @property
    def virtual(self) -> System | None:
        """The system on which a jam makes ports of its own."""
        return next((s for s in self.systems if s.ready and s.virtual), None)


def look() -> Surroundings:
    """Look round; takes less than a second, ten if a MIDI server hangs."""
    systems: tuple[System, ...] = ()
    trouble = ""
    try:
        systems = tuple(available())
    except PortError as error:
        trouble = str(error)
    sound = Extra("fluidsynth", "hearing a jam with --listen, and WAV files", _sound_missing())
    osc = Extra("python-osc", "steering with --osc", _package_missing("pythonosc", "python-osc", "--osc", "osc"))
    link_missing = _package_missing("link", "LinkPython-extern", "--clock link", "link")
    link = Extra("Ableton Link", "playing in time with others with --clock link", link_missing)
    priority = Extra("real-time priority", "notes on time on a busy machine", "" if _may_hurry() else HOW_TO_HURRY)
    return Surroundings(systems, (priority, sound, osc, link), trouble)


def _sound_missing() -> str:
    if fluidsynth_module() is None:
        advice = how_to_install()
        return f"{advice[0].upper()}{advice[1:]}."
    try:
        soundfont_path()
    except FileError as error:
        return str(error)
    return ""


def _package_missing(module: str, package: str, purpose: str, extra: str) -> str:
    return "" if find_spec(module) else str(MissingPackageError(package, purpose, extra))


def _may_hurry() -> bool:
    """Whether a thread of ours may have real-time priority; True on systems that do not ask for it this way."""
    if not hasattr(os, "sched_setscheduler"):
        return True
    allowed: list[bool] = []

    def attempt() -> None:  # Linux gives the priority to the calling thread alone, so it ends with it
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        except OSError:
            return
        allowed.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(allowed)
