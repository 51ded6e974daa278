"""Every family from the command line: trained, played without torch, and switched as its options say."""

from __future__ import annotations

from pathlib import Path

import pytest

from musegen.checkpoint import load
from musegen.cli.main import main
from musegen.corpus.store import Corpus
from musegen.engine.base import ENGINES
from musegen.models.config import ModelConfig
from musegen.models.pasts import FAMILIES

from ..test_layers import loaded_after

TINY = (
    *("--width", "24", "--layers", "1", "--heads", "2", "--context", "64", "--epochs", "0.2", "--warm-up", "1"),
    *("--batch-rows", "512", "--threads", "1", "--evaluate-every", "100"),
)


@pytest.mark.parametrize("family", FAMILIES)
def test_train_and_generate(family: str, corpus: Corpus, tmp_path: Path) -> None:
    model = tmp_path / "model"
    assert main(["train", str(corpus.path), "--model", family, "--out", str(model), *TINY]) == 0
    assert load(model).config.family == family and load(model).metrics["valid"]["total"] > 0
    command = ["generate", "-n", "1", "--bars", "1", "--checkpoint", str(model), "--out", str(tmp_path / "out")]
    quiet = f"sys.stdout, out = sys.stderr, sys.stdout\nmain({command!r})\nsys.stdout = out"
    code = f"from musegen.cli.main import main\n{quiet}"
    assert "torch" not in loaded_after(code)
    assert len(list((tmp_path / "out").glob("*.mid"))) == 1


def test_the_switches_of_the_ablation_reach_the_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    switches = ["--attention", "bias", "--no-bar", "--order", "duration pitch velocity"]
    assert main(["train", str(corpus.path), "--out", str(tmp_path / "a"), *TINY, *switches]) == 0
    config = load(tmp_path / "a").config
    assert isinstance(config, ModelConfig)
    assert (config.attention, config.bar, config.order) == ("bias", False, "duration pitch velocity")


def test_fine_tuning_cannot_switch(
    corpus: Corpus, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(corpus.path), "--from", str(untrained), "--out", str(tmp_path / "b")]
    for option, name in ((["--no-bar"], "--no-bar"), (["--order", "duration pitch velocity"], "--order")):
        assert main([*command, *option]) == 1
        assert f"{name} cannot be changed when fine-tuning" in capsys.readouterr().err


def test_help_lists_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    assert all(family in text for family in FAMILIES)
    assert set(FAMILIES) <= set(ENGINES), "each plays without torch"
