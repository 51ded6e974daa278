"""`musegen evaluate` from the command line: the report, what stays on a second call, what it says without a corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musegen import checkpoint as checkpoints
from musegen.cli.main import main
from musegen.corpus.build import build
from musegen.corpus.store import Corpus
from musegen.midi import read_music, write_music
from tests.small_corpus import tune

SMALL = ["-n", "9", "--bars", "1", "--workers", "1"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Tunes with four places each to play on from."""
    folder = tmp_path_factory.mktemp("tunes")
    (folder / "files").mkdir()
    for i in range(40):
        write_music(tune(i, bars=20), folder / "files" / f"tune{i:02d}.mid")
    build(folder / "corpus", [str(folder / "files")], workers=1)
    return Corpus.open(folder / "corpus")


@pytest.fixture(scope="module")
def judged(untrained: Path, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("judged")
    assert main(["evaluate", *asked(untrained, corpus, out)]) == 0
    return out


def asked(untrained: Path, corpus: Corpus, out: Path) -> list[str]:
    return [str(untrained), "--corpus", str(corpus.path), "--out", str(out), "--temperature", "0.5", "1", *SMALL]


def test_the_report_has_everything(judged: Path) -> None:
    report = (judged / "report.md").read_text()
    for heading in ("In short", "How likely held-out music is", "How like real music it is", "Whether it falls apart"):
        assert f"## {heading}\n" in report
    figures = json.loads((judged / "report.json").read_text())
    assert list(figures["players"]) == ["real music", "lstm T 0.5", "lstm T 1"]
    for player in figures["players"].values():
        assert player["continuations"] == 9
        assert 0 < player["overlap"] <= 1
        assert len(player["longest runs"]) == 9
        assert len(player["loops"]) == 1
    assert figures["likelihood"]["lstm"]["valid"]["total"] > 5  # nothing was learnt
    pytest.importorskip("matplotlib")
    for name in ("likelihood", "likeness", "histograms", "copying", "long-run"):
        assert f"({name}.png)" in report
        assert (judged / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_continuations_begin_with_their_seeds_and_settings_differ(judged: Path) -> None:
    cold, warm = (sorted(folder.rglob("*.mid")) for folder in sorted((judged / "continuations").iterdir()))
    assert len(cold) == len(warm) == 10
    assert [p.name for p in cold] == [p.name for p in warm]
    first, second = read_music(cold[0]), read_music(warm[0])
    bars = 4 * 96 * first.ticks_per_quarter // 24
    assert list(first.between(0, bars)) == list(second.between(0, bars))
    assert list(first) != list(second)
    assert first.end <= bars * 5 // 4 and (first.notes["onset"] >= bars).any()


def test_what_is_there_is_not_done_again(
    judged: Path, untrained: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {p: p.stat().st_mtime_ns for p in [*judged.rglob("*.mid"), *judged.glob("likelihood-*.json")]}
    first = (judged / "report.md").read_bytes()
    lost = next(p for p in kept if p.suffix == ".mid")
    music = lost.read_bytes()
    lost.unlink()
    assert main(["evaluate", *asked(untrained, corpus, judged)]) == 0
    assert lost.read_bytes() == music
    assert all(p == lost or p.stat().st_mtime_ns == kept[p] for p in kept)
    assert (judged / "report.md").read_bytes() == first
    assert "| real music" in capsys.readouterr().out


def test_without_a_corpus_it_plays_on_from_the_shipped_seeds_and_says_what_is_missing(
    untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(untrained), *SMALL]) == 0
    report = Path("evaluation/report.md").read_text()
    assert "There is no corpus here" in report and "--corpus" in report
    assert "falls apart" in report and "the seeds" in report
    assert len(list(Path("evaluation").rglob("*.mid"))) == 10


def test_it_finds_the_corpus_that_the_checkpoint_learnt_from(
    untrained: Path, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.chdir(tmp_path)
    found = checkpoints.load(untrained)
    replace(found, about={"corpus": f"fingerprint {corpus.fingerprint}"}).save("mine")
    replace(found, about={"corpus": "fingerprint 0123456789abcdef"}).save("strange")
    Path("corpora").mkdir()
    Path("corpora/tunes").symlink_to(corpus.path)
    assert main(["evaluate", "mine", *SMALL]) == 0
    report = Path("evaluation/report.md").read_text()
    assert corpus.fingerprint in report and "learnt from another corpus" not in report
    assert main(["evaluate", "strange", "--corpus", str(corpus.path), *SMALL]) == 0
    assert "strange learnt from another corpus" in Path("evaluation/report.md").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-n", "0"], "at least 1"),
        (["--bars", "300"], "--bars"),
        (["--temperature", "99"], "temperature"),
        (["--workers", "0"], "at least 1"),
        (["nowhere"], "no checkpoint 'nowhere'"),
        (["humaniser"], "humaniser"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    options: list[str],
    said: str,
    untrained: Path,
    corpus: Corpus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    who = [] if options[0][0] != "-" else [str(untrained)]
    assert main(["evaluate", *who, "--corpus", str(corpus.path), "--out", str(tmp_path), *options]) == 1
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error


def test_ctrl_c_says_how_to_go_on(
    untrained: Path, corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("musegen.cli.judging.with_corpus", interrupted)
    assert main(["evaluate", *asked(untrained, corpus, tmp_path / "out")]) == 130
    assert capsys.readouterr().err.strip().endswith("the same command goes on.")
