"""The page of the gallery, `docs/gallery.md`: pictures, links and figures. Knows nothing of how they were made."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from musegen.atomic import write_atomically

if TYPE_CHECKING:
    from benchmarks.gallery import Result

BY_HAND = "## What was found"
FOLDER = "../midi_samples/generated"

ABOUT = {
    "default": "The transformer that `musegen jam` loads: all styles. One continuation of each seed with a tune in it.",
    "lstm": "The same music, learnt by an LSTM.",
    "wavenet": "The same music, learnt by dilated convolutions.",
    "folk": "Tunes of one voice: jigs, reels, hornpipes.",
    "chorale": "Four voices.",
    "drums": "Drummers: what they play, how hard, and how far off the grid.",
    "gan": "Four-bar phrases of a band: from noise, on from a seed, and around a chorale that is given.",
    "humaniser": "`groove.mid`, written on the grid and all alike, as drummers would play it: when and how hard.",
}

HEAD = """\
# Gallery

What the shipped checkpoints play. Nothing is picked or edited: every file is what the command beside it writes, with
seed number 0 unless it says another. The [seeds](../midi_samples/seeds/README.md) are of pieces that no checkpoint was
trained on; the dashed line in a picture is where the seed ends and the model goes on. `musegen render FILE.mid` sounds
any of it; the OGGs are twenty seconds, from two bars before the model comes in, through the small SoundFont that
musegen brings. `python -m benchmarks.gallery` makes all of it again, down to the last heading.

"""


def write(path: Path, results: list[Result], worst: list[Result]) -> None:
    """Write the page; what stands in it from BY_HAND on stays."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    by_hand = old[old.index(BY_HAND) :] if BY_HAND in old else f"{BY_HAND}\n"
    names = list(dict.fromkeys(r.take.checkpoint for r in results))
    parts = [_checkpoint(name, [r for r in results if r.take.checkpoint == name]) for name in names]
    page = HEAD + "".join(parts) + _figures(results) + _worst(worst) + by_hand
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page.encode())


def line(result: Result) -> str:
    """A take in a line of a log."""
    return f"{result.take.checkpoint}/{result.take.name}: {', '.join(_cells(result))}"


def _checkpoint(name: str, results: list[Result]) -> str:
    shown = [r for r in results if r.take.clip] + [r for r in results if not r.take.clip]
    seen = shown[:3]
    lines = [f"## {name}", "", ABOUT.get(name, ""), ""]
    for result in results:
        if result in seen:
            lines += [f"{_links(result)}  ", f"![{name}, {result.take.name}]({_file(result, 'png')})", ""]
    if rest := [r for r in results if r not in seen]:
        lines += ["The others: " + "; ".join(_links(r, picture=True) for r in rest) + ".", ""]
    return "\n".join(lines) + "\n"


def _links(result: Result, picture: bool = False) -> str:
    take = result.take
    kinds = ["mid", *(["ogg"] if take.clip else []), *(["png"] if picture else [])]
    links = " · ".join(f"[{kind}]({_file(result, kind)})" for kind in kinds)
    if picture:
        return f"{take.name} {links}"
    command = [Path(word).name if word.endswith(".mid") else word for word in take.command]
    which = [] if take.checkpoint in ("default", "humaniser") else ["--checkpoint", take.checkpoint]
    return f"**{take.name}** {links} `musegen {shlex.join([*command, *which])}`"


def _file(result: Result, kind: str) -> str:
    return f"{FOLDER}/{result.take.checkpoint}/{result.take.name}.{kind}"


def _figures(results: list[Result]) -> str:
    head = (
        "## In figures",
        "",
        "New notes; notes a second, the seed's and the new ones'; the longest silence; loudness (BS.1770) and the",
        "highest sample; the shares of the sound's power below 250 Hz and above 2 kHz;",
        "nats a note by the checkpoint itself, of the seed and of what it plays. Below: the clips' spectrograms.",
        "",
        "| take | notes | notes/s | silence s | LUFS | peak dB | low % | high % | nats a note |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    rows = (f"| {r.take.checkpoint}/{r.take.name} | {' | '.join(_cells(r))} |" for r in results)
    return "\n".join([*head, *rows, "", f"![spectrograms of the clips]({FOLDER}/spectrograms.png)", "", ""])


def _cells(result: Result) -> Iterable[str]:
    heard = result.heard
    return (
        str(result.notes),
        _change(result.before, result.pace),
        f"{heard.silence:.1f}",
        f"{heard.loudness:.0f}",
        f"{heard.peak:.0f}",
        f"{100 * heard.bands[0]:.0f}",
        f"{100 * heard.bands[2]:.0f}",
        _change(result.nats(new=False), result.nats(new=True), 2),
    )


def _change(before: float, after: float, digits: int = 1) -> str:
    if isnan(after):
        return ""
    return f"{after:.{digits}f}" if isnan(before) else f"{before:.{digits}f} → {after:.{digits}f}"


def _worst(worst: list[Result]) -> str:
    lines = [
        "## The most surprising",
        "",
        "By nats a note above the seed's, with the most surprising new notes of each.",
        "",
    ]
    for result in worst:
        assert result.density
        name = f"{result.take.checkpoint}/{result.take.name}"
        lines += [f"**{name}**, {_change(result.nats(False), result.nats(True), 2)} nats a note:", ""]
        for number, place in enumerate(result.surprises(), 1):
            note = result.density.note(place)
            most = max(result.density.names, key=note["nats"].__getitem__)
            part = re.sub(r"\s+", " ", note["part"]).strip()
            lines.append(
                f"{number}. bar {note['bar']}, beat {note['beat']:g}: {note['name']} ({part}), "
                f"{note['nats']['total']:.1f} nats, {note['nats'][most]:.1f} of them its {most}"
            )
        lines += ["", f"![{name} by surprise]({FOLDER}/{name}-surprise.png)", ""]
    return "\n".join(lines) + "\n"
