"""The desk: where every way of steering ends, whoever turns the knob: flags, controllers, OSC, keys.

Any thread may call it. Knob values are always in range: what is turned further stays at the end. What is asked for
(`do`) waits until the driver takes it (`actions`). Knows nothing of music, terminals or networks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import MusegenError, SettingsError
from ..sampling.controls import Controls
from ..sampling.keys import pitch_classes
from . import learn
from .knobs import ACTIONS, KNOBS, MODES, Knob

PRESSED = 64  # a controller at this value or above is a button held down


class KnobRow(NamedTuple):
    """A knob as the view shows it."""

    name: str
    text: str
    place: float  # 0 … 1
    selected: bool
    cc: int | None
    value: float | str = 0.0


class Desk:
    """All knobs and actions. `mapping` is which controller turns what; what is learnt is saved at `path`."""

    def __init__(
        self, controls: Controls | None = None, mapping: dict[int, str] | None = None, path: Path | None = None
    ) -> None:
        self._controls = controls or Controls()
        self._version = 0
        self._mapping = dict(learn.DEFAULT if mapping is None else mapping)
        self._path = path
        self._selected = 0
        self._learning = ""
        self._down: set[int] = set()  # buttons that are held
        self._actions: list[tuple[str, str]] = []
        self._news: list[str] = []
        self._lock = threading.RLock()

    # --- knobs ------------------------------------------------------------------------------------------------------

    @property
    def controls(self) -> Controls:
        """The current values."""
        return self._controls

    @property
    def version(self) -> int:
        """Grows with every change of `controls`."""
        return self._version

    def set(self, name: str, value: float | str | Iterable[int]) -> None:
        """Turn a knob to `value`: a number (brought into range), a key by name, or the pitch classes of `harmony`.

        Raises SettingsError for what is no knob, no number or no key.
        """
        new: Any = _harmony(value) if name == "harmony" else _value(_knob(name), value)
        with self._lock:
            if getattr(self._controls, name) != new:
                self._controls = replace(self._controls, **{name: new})
                self._version += 1

    def nudge(self, name: str, steps: int) -> None:
        """Turn a knob by so many of its steps."""
        knob = _knob(name)
        with self._lock:
            self._turn(knob, self._number(knob) + steps * knob.step)

    def turn(self, name: str, place: float) -> None:
        """Turn a knob to `place` of its way, 0 … 1."""
        knob = _knob(name)
        with self._lock:
            self._turn(knob, knob.low + place * (knob.high - knob.low))

    def select(self, steps: int) -> None:
        """Select the knob so many rows down (negative: up); past the last comes the first."""
        with self._lock:
            self._selected = (self._selected + steps) % len(KNOBS)

    @property
    def selected(self) -> str:
        """The selected knob's name."""
        return list(KNOBS)[self._selected]

    def rows(self) -> list[KnobRow]:
        """All knobs, for the view."""
        with self._lock:
            ccs = {target: cc for cc, target in self._mapping.items()}
            return [self._row(knob, knob.name == self.selected, ccs.get(knob.name)) for knob in KNOBS.values()]

    def state(self) -> dict[str, float | str]:
        """Every knob's value by name."""
        controls = self._controls
        return {name: getattr(controls, name) for name in KNOBS}

    # --- actions ----------------------------------------------------------------------------------------------------

    def do(self, action: str, argument: str = "") -> None:
        """Ask for one of ACTIONS. Raises SettingsError for any other, and for a mode there is not.

        `learn` is the desk's own: with the name of a knob or an action (or "mode NAME") as argument, or for the
        selected knob without one. While learning, `learn` again gives up.
        """
        argument = argument.strip()
        _check(action, argument)
        with self._lock:
            if action == "learn":
                self._learn(argument)
            else:
                self._actions.append((action, argument))

    def actions(self) -> list[tuple[str, str]]:
        """What was asked for since the last call, in order, as (action, argument)."""
        with self._lock:
            taken, self._actions = self._actions, []
            return taken

    def say(self, text: str) -> None:
        """Tell the person something: it is in the next `news`."""
        with self._lock:
            self._news.append(text)

    def news(self) -> list[str]:
        """Sentences for the person since the last call."""
        with self._lock:
            taken, self._news = self._news, []
            return taken

    # --- controllers ------------------------------------------------------------------------------------------------

    @property
    def learning(self) -> str:
        """What the next controller that moves will turn; empty: not learning."""
        return self._learning

    def midi(self, message: bytes) -> bool:
        """Whether `message` is a control change (any channel) that turned a knob, pressed a button or was learnt."""
        if len(message) != 3 or message[0] & 0xF0 != 0xB0:
            return False
        cc, value = message[1], message[2]
        with self._lock:
            if self._learning:
                return self._bind(cc, value)
            target = self._mapping.get(cc)
            if target is None:
                return False
            if target in KNOBS:
                self.turn(target, value / 127)
            elif self._pressed(cc, value):
                self.do(*_split(target))
            return True

    def _pressed(self, cc: int, value: int) -> bool:
        """Whether this is the moment that the button goes down."""
        was = cc in self._down
        (self._down.add if value >= PRESSED else self._down.discard)(cc)
        return value >= PRESSED and not was

    def _learn(self, target: str) -> None:
        if self._learning and target in ("", self._learning):
            self._learning = ""
            self._news.append("Learning is over.")
            return
        self._learning = target or self.selected
        self._news.append(f"Move the controller for {self._learning}.")

    def _bind(self, cc: int, value: int) -> bool:
        """Bind `cc` to what is being learnt, in place of what either was bound to."""
        if cc in learn.TAKEN:
            return False  # the pedal may well move while somebody learns
        target, self._learning = self._learning, ""
        self._mapping = {c: t for c, t in self._mapping.items() if t != target and c != cc} | {cc: target}
        self._pressed(cc, value)
        self._news.append(f"Controller {cc} is {target} now.")
        try:
            if self._path is not None:
                learn.save(self._path, self._mapping)
        except MusegenError as error:
            self._news.append(str(error))
        return True

    # --- values -----------------------------------------------------------------------------------------------------

    def _number(self, knob: Knob) -> float:
        """The knob's value; of names, their place among the choices."""
        value = getattr(self._controls, knob.name)
        if not knob.choices:
            return float(value)
        return float(knob.choices.index(value)) if value in knob.choices else 0.0

    def _turn(self, knob: Knob, value: float) -> None:
        if knob.choices:
            self.set(knob.name, knob.choices[round(_within(knob, value))])
        else:
            self.set(knob.name, value)

    def _row(self, knob: Knob, selected: bool, cc: int | None) -> KnobRow:
        place = (self._number(knob) - knob.low) / (knob.high - knob.low)
        value = getattr(self._controls, knob.name)
        return KnobRow(knob.name, knob.text(value), place, selected, cc, value)


def _knob(name: str) -> Knob:
    if name not in KNOBS:
        raise SettingsError(f"There is no knob {name!r}; the knobs are {', '.join(KNOBS)}.")
    return KNOBS[name]


def _within(knob: Knob, value: float) -> float:
    return min(max(value, knob.low), knob.high)


def _value(knob: Knob, value: float | str | Iterable[int]) -> float | int | str:
    """`value` as `Controls` has it."""
    if knob.choices:
        if not isinstance(value, str):
            raise SettingsError(f"{knob.name} is a name, such as 'D dorian', not {value!r}.")
        if value not in knob.choices:
            pitch_classes(value)
        return value
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number != number:
        raise SettingsError(f"{knob.name} is a number in {knob.low:g} … {knob.high:g}, not {value!r}.")
    number = _within(knob, number)
    if knob.step < 1:
        return round(number, 4)  # ten steps of 0.1 are 1
    default = knob.default
    return round(number) if isinstance(default, int) else float(round(number))


def _harmony(value: float | str | Iterable[int]) -> frozenset[int]:
    try:
        if isinstance(value, str):
            raise TypeError
        return frozenset(int(v) % 12 for v in value)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        raise SettingsError("The harmony is a set of pitch classes, 0 (C) … 11 (B).") from None


def _split(target: str) -> tuple[str, str]:
    action, _, argument = target.partition(" ")
    return action, argument


def pair(action: str, argument: str) -> tuple[int, int]:
    """The voice (from 0) and the program or channel (from 0) of `argument`, such as "1 33". Raises SettingsError."""
    words = argument.split()
    low, high = (0, 127) if action == "program" else (1, 16)
    if len(words) != 2 or not all(w.isdigit() for w in words) or int(words[0]) < 1 or not low <= int(words[1]) <= high:
        raise SettingsError(f"{action} {argument!r}: give a voice, from 1, and a {action}, {low}-{high}: such as 1 5.")
    return int(words[0]) - 1, int(words[1]) - low


def _check(action: str, argument: str) -> None:
    """Raise SettingsError for what cannot be asked for."""
    if action not in ACTIONS:
        raise SettingsError(f"There is no action {action!r}; the actions are {', '.join(ACTIONS)}.")
    if action == "mode" and argument not in MODES:
        raise SettingsError(f"There is no mode {argument!r}; the modes are {', '.join(MODES)}.")
    if action in ("program", "channel"):
        pair(action, argument)
    if action == "learn" and argument and argument not in KNOBS:
        inner, rest = _split(argument)
        if inner == "learn":
            raise SettingsError("Learning itself cannot be learnt: name a knob or an action.")
        _check(inner, rest)
