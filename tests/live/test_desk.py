"""The desk: every value stays in range whoever turns it, controllers are learnt and kept, actions arrive once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musegen.errors import FileError, SettingsError
from musegen.live import learn
from musegen.live.desk import Desk
from musegen.live.knobs import ACTIONS, KEYS, KNOBS, MODES
from musegen.sampling.controls import RANGES, Controls
from musegen.sampling.keys import pitch_classes


def cc(number: int, value: int, channel: int = 0) -> bytes:
    return bytes((0xB0 | channel, number, value))


class TestKnobs:
    def test_the_table_covers_all_controls(self) -> None:
        assert {*KNOBS, "harmony"} == set(Controls.__dataclass_fields__)
        assert set(RANGES) == {name for name, knob in KNOBS.items() if not knob.choices}
        assert len({knob.cc for knob in KNOBS.values()}) == len(KNOBS)
        for key in KEYS[2:]:
            assert len(pitch_classes(key)) == 7

    def test_beyond_the_end_it_stays_at_the_end(self) -> None:
        desk = Desk()
        desk.set("density", 7)
        desk.nudge("register", -100)
        desk.set("temperature", float("inf"))
        assert (desk.controls.density, desk.controls.register, desk.controls.temperature) == (1.0, -24.0, 2.0)

    def test_ten_steps_are_ten_steps(self) -> None:
        desk = Desk()
        for _ in range(10):
            desk.nudge("density", 1)
        assert desk.controls.density == 1.0
        for _ in range(20):
            desk.nudge("density", -1)
        assert desk.controls.density == -1.0

    def test_whole_numbers_are_whole(self) -> None:
        desk = Desk()
        desk.set("companions", 2.7)
        desk.set("register", "3.4")
        assert desk.controls.companions == 3 and isinstance(desk.controls.companions, int)
        assert desk.controls.register == 3.0

    @pytest.mark.parametrize(
        ("name", "value"),
        [("loudness", 1), ("density", "much"), ("density", float("nan")), ("density", (1, 2)), ("key", 3.0),
         ("key", "H dur"), ("harmony", 3), ("harmony", "C")],
    )  # fmt: skip
    def test_what_makes_no_sense_is_one_sentence_and_changes_nothing(self, name: str, value: object) -> None:
        desk = Desk()
        with pytest.raises(SettingsError) as error:
            desk.set(name, value)  # type: ignore[arg-type]
        assert str(error.value).endswith(".") and "\n" not in str(error.value)
        assert (desk.controls, desk.version) == (Controls(), 0)

    def test_keys_by_name_and_by_turning(self) -> None:
        desk = Desk()
        desk.set("key", "D dorian")
        assert desk.controls.key == "D dorian"
        desk.nudge("key", 1)
        assert desk.controls.key == "auto", "one after the first, where a key is not among the choices"
        desk.nudge("key", 1)
        assert desk.controls.key == "C major"
        desk.turn("key", 0)
        assert desk.controls.key == ""

    def test_harmony_comes_from_the_left_hand(self) -> None:
        desk = Desk()
        desk.set("harmony", (60, 64, 67))
        assert desk.controls.harmony == {0, 4, 7}

    def test_the_version_grows_only_with_changes(self) -> None:
        desk = Desk()
        desk.set("density", 0.0)
        assert desk.version == 0
        desk.set("density", 0.5)
        desk.set("density", 0.5)
        assert desk.version == 1

    def test_rows_for_the_view(self) -> None:
        desk = Desk(Controls(density=0.5, register=-12, key="D dorian"))
        desk.select(-1)
        rows = {row.name: row for row in desk.rows()}
        assert list(rows) == list(KNOBS)
        assert [r.name for r in rows.values() if r.selected] == [desk.selected] == [list(KNOBS)[-1]]
        assert (rows["density"].text, rows["density"].place, rows["density"].cc) == ("+0.50", 0.75, 21)
        assert (rows["register"].text, rows["register"].place) == ("-12", 0.25)
        assert rows["key"].text == "D dorian" and rows["companions"].text == "2"


class TestActions:
    def test_in_order_and_once(self) -> None:
        desk = Desk()
        desk.do("mode", "loop")
        desk.do("undo")
        assert desk.actions() == [("mode", "loop"), ("undo", "")]
        assert desk.actions() == []

    @pytest.mark.parametrize(
        ("action", "argument", "sentence"),
        [("explode", "", "no action 'explode'; the actions are mode, enter"),
         ("mode", "jazz", "no mode 'jazz'; the modes are answer, accompany"), ("mode", "", "no mode ''"),
         ("learn", "nothing", "no action 'nothing'"), ("learn", "mode x", "no mode 'x'"),
         ("learn", "learn", "cannot be learnt")],
    )  # fmt: skip
    def test_what_there_is_not(self, action: str, argument: str, sentence: str) -> None:
        desk = Desk()
        with pytest.raises(SettingsError, match=sentence):
            desk.do(action, argument)
        assert desk.actions() == [] and not desk.learning


class TestControllers:
    def test_a_controller_turns_its_knob_all_the_way(self) -> None:
        desk = Desk()
        for value, density in ((0, -1.0), (127, 1.0)):
            assert desk.midi(cc(KNOBS["density"].cc, value, channel=5))
            assert desk.controls.density == density

    def test_what_is_not_ours_is_left_alone(self) -> None:
        desk = Desk()
        for message in (cc(64, 127), cc(1, 30), bytes((0x90, 21, 100)), bytes((0xF8,)), bytes((0xC0, 21)), b""):
            assert not desk.midi(message)
        assert desk.version == 0 and not desk.actions()

    def test_a_button_acts_when_it_goes_down(self) -> None:
        desk = Desk(mapping={80: "keep", 81: "mode loop"})
        for value in (127, 127, 0, 127, 0, 20):
            assert desk.midi(cc(80, value))
        desk.midi(cc(81, 127))
        assert desk.actions() == [("keep", ""), ("keep", ""), ("mode", "loop")]

    def test_learning_a_knob(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "controllers.json"
        desk = Desk(path=path)
        desk.select(1)
        desk.do("learn")
        assert desk.learning == "density" and desk.actions() == []
        assert not desk.midi(cc(64, 127)), "the pedal is no knob"
        assert desk.midi(cc(74, 3))
        assert desk.controls.density == 0.0, "it is bound by this move, and turns with the next"
        desk.midi(cc(74, 127))
        assert desk.controls.density == 1.0
        assert not desk.midi(cc(KNOBS["density"].cc, 0)), "the old controller is free"
        assert desk.news() == ["Move the controller for density.", "Controller 74 is density now."]
        again = Desk(mapping=learn.load(path))
        assert next(r.cc for r in again.rows() if r.name == "density") == 74

    def test_learning_takes_a_controller_from_what_it_turned(self) -> None:
        desk = Desk()
        desk.do("learn", "mode loop")
        desk.midi(cc(KNOBS["density"].cc, 127))
        assert desk.actions() == [], "the press that teaches does not act"
        desk.midi(cc(KNOBS["density"].cc, 0))
        desk.midi(cc(KNOBS["density"].cc, 127))
        assert desk.actions() == [("mode", "loop")]
        assert next(r.cc for r in desk.rows() if r.name == "density") is None

    def test_giving_up(self) -> None:
        desk = Desk()
        desk.do("learn")
        desk.do("learn", "keep")
        assert desk.learning == "keep"
        desk.do("learn")
        assert desk.learning == ""
        desk.midi(cc(74, 100))
        assert "74" not in " ".join(desk.news())

    def test_a_folder_that_cannot_be_written_is_told_not_raised(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        desk = Desk(path=tmp_path / "file" / "controllers.json")
        desk.do("learn")
        assert desk.midi(cc(74, 100))
        assert "cannot be made" in desk.news()[-1]


class TestMappingFile:
    def test_where_it_is(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setattr("sys.platform", "linux")
        assert learn.default_path() == tmp_path / "musegen" / "controllers.json"
        monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
        assert learn.default_path() == Path.home() / ".config" / "musegen" / "controllers.json"
        monkeypatch.setattr("sys.platform", "win32")
        monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
        assert learn.default_path() == tmp_path / "Roaming" / "musegen" / "controllers.json"

    def test_there_and_back(self, tmp_path: Path) -> None:
        path, mapping = tmp_path / "a" / "c.json", {80: "keep", 7: "velocity", 81: "mode solo"}
        learn.save(path, mapping)
        assert learn.load(path) == mapping
        assert [p.name for p in path.parent.iterdir()] == ["c.json"], "nothing temporary is left"

    def test_none_yet(self, tmp_path: Path) -> None:
        assert learn.load(tmp_path / "no.json") == learn.DEFAULT

    @pytest.mark.parametrize(
        "text",
        [b"", b"\xff\xfe", b"{", b"[]", b'{"controllers": 3}', b'{"controllers": {"200": "keep"}}', b"[" * 100_000,
         b'{"controllers": {"64": "keep"}}', b'{"controllers": {"x": "keep"}}', b'{"controllers": {"74": "explode"}}',
         b'{"controllers": {"74": ["keep"]}}', b'{"controllers": {"74": "mode"}}'],
    )  # fmt: skip
    def test_a_bad_file_is_one_sentence(self, tmp_path: Path, text: bytes) -> None:
        path = tmp_path / "c.json"
        path.write_bytes(text)
        with pytest.raises(SettingsError) as error:
            learn.load(path)
        assert str(path) in str(error.value) and "correct or delete the file" in str(error.value)
        assert "\n" not in str(error.value)

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(FileError, match="cannot be read"):
            learn.load(tmp_path)


def in_range(controls: Controls) -> bool:
    """As `Controls` itself checks, from outside."""
    return all(low <= getattr(controls, name) <= high for name, (low, high) in RANGES.items())


NUMBERS = st.floats() | st.integers(-1000, 1000) | st.just(10**400) | st.text(max_size=4)
CALLS = st.one_of(
    st.tuples(
        st.just("set"),
        st.sampled_from([*KNOBS, "harmony", "x"]),
        NUMBERS | st.lists(st.integers() | st.text(max_size=2)),
    ),
    st.tuples(st.just("nudge"), st.sampled_from([*KNOBS]), st.integers(-50, 50)),
    st.tuples(st.just("turn"), st.sampled_from([*KNOBS]), st.floats(-2, 2)),
    st.tuples(st.just("select"), st.integers(-9, 9)),
    st.tuples(st.just("midi"), st.binary(max_size=4) | st.builds(cc, st.integers(0, 127), st.integers(0, 127))),
    st.tuples(st.just("do"), st.sampled_from([*ACTIONS, "x"]), st.sampled_from(["", *MODES, *KNOBS, "mode loop"])),
)


@given(st.lists(CALLS, max_size=30))
@settings(max_examples=300, deadline=None)
def test_whatever_is_called_every_control_stays_in_range(calls: list[tuple[object, ...]]) -> None:
    desk = Desk()
    version, sentences = 0, list[str]()
    for name, *arguments in calls:
        try:
            getattr(desk, str(name))(*arguments)
        except SettingsError as error:
            sentences.append(str(error))
        assert in_range(desk.controls)
        assert desk.version >= version
        version = desk.version
        assert all(0 <= row.place <= 1 for row in desk.rows())
        assert not set(desk._mapping) & learn.TAKEN
    assert all(s.endswith(".") for s in sentences)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can, so that what is not locked shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_many_hands_at_once() -> None:
    """Nothing is lost or torn: every action arrives once, every nudge counts."""
    desk = Desk()
    taken: list[tuple[str, str]] = []
    seen: list[Controls] = []
    done = threading.Event()

    def driver() -> None:
        while not done.is_set():
            taken.extend(desk.actions())
            seen.append(desk.controls)

    def hand(number: int) -> None:
        for i in range(300):
            desk.nudge("register", 1 if i % 2 else -1)
            desk.do("checkpoint", f"{number}-{i}")
            desk.midi(cc(KNOBS["duck"].cc, i % 128))
            desk.rows()

    reader = threading.Thread(target=driver)
    hands = [threading.Thread(target=hand, args=(n,)) for n in range(4)]
    reader.start()
    for thread in hands:
        thread.start()
    for thread in hands:
        thread.join()
    done.set()
    reader.join()
    taken.extend(desk.actions())
    asked = [f"{n}-{i}" for n in range(4) for i in range(300)]
    assert sorted(argument for _, argument in taken) == sorted(asked)
    for n in range(4):
        own = [int(a.split("-")[1]) for _, a in taken if a.startswith(f"{n}-")]
        assert own == sorted(own), "in each hand's order"
    assert all(in_range(c) for c in seen)
    assert desk.controls.register == 0
