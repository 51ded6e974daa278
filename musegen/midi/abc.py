"""ABC tunes as text that music21 reads rightly: a file's tunes apart, each without what misleads it.

Of a tune's music stay notes, rests, chords, lengths, ties, tuplets, bars and fields. What is taken away is not heard
(slurs, staccato, texts, chord names, spaces within a beam) or not read (grace notes, ornaments), and music21 9 stumbles
over it: it drops the note after a fermata (`H`), adds one for `J` or `W`, and loses a broken rhythm whose mark and note
have anything between them, as in `A>(B` or `A>-B`. A capital note before `::` it takes for a field, and the line with
it. The version is stated because only from 2.1 on does it carry an accidental to the end of the bar (ABC 2.1, 11.3).
Knows nothing of music21's objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_FIELD = re.compile(r"[H-Zmrsw]:|[A-G]:(?![|:])")  # `A:|` and `A::` are a note and a repeat
_SILENT = re.compile(
    r'"[^"]*"'  # a chord's name or a text
    r"|![^!|\s]*!|!"  # a decoration by its name; an old sign for the end of a line
    r"|\{[^}]*\}"  # grace notes
    r"|(?P<kept>\[[A-Za-z]:[^\]]*\]|\(\d)"  # a field inside the line; a tuplet
    r"|(?<=[<>])-|-(?=[<>])"  # a hyphen for a slur, where none can tie
    r"|[()`~.yH-Wh-w]"  # slurs, space, ornaments: notes are a to g, rests x and z
)
_LIKE_A_FIELD = re.compile(r"(?<=[A-G])::")
VERSION = "%abc-2.1\n"


def tunes(path: Path) -> Iterator[tuple[str, str]]:
    """(name, text for music21) of each tune of a file, so that a bad one loses only itself (ABC 2.1, section 2.2)."""
    text = path.read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    head, *found = re.split(r"(?m)^(?=X:)", text)
    shared = "".join(line + "\n" for line in head.splitlines() if re.match(r"[A-WYZ]:", line))
    seen: dict[str, int] = {}
    for tune in found or [head]:
        number = re.match(r"X:\s*(\d+)", tune)
        name = f"{path.stem}:{number[1].lstrip('0') or '0'}" if number else path.stem
        seen[name] = seen.get(name, 0) + 1
        first, _, rest = tune.partition("\n")
        yield (name if seen[name] == 1 else f"{name}.{seen[name]}"), f"{VERSION}{first}\n{shared}{audible(rest)}"


def audible(tune: str) -> str:
    """`tune` with only what sounds in the lines of its music; its fields and comments are left alone."""
    return "\n".join(line if line.startswith("%") or _FIELD.match(line) else _heard(line) for line in tune.split("\n"))


def _heard(line: str) -> str:
    music, percent, comment = line.partition("%")
    music = _SILENT.sub(lambda found: found["kept"] or "", music)
    return _LIKE_A_FIELD.sub(" ::", music) + percent + comment
