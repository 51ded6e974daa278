"""Keys in a real terminal (a pty): what they do, and that the terminal is put back."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from musegen.live.desk import Desk
from musegen.live.keyboard import DOWN, HELP, KEYS, LEFT, RIGHT, UP, Decoder, Keyboard, press
from musegen.live.knobs import ACTIONS, KNOBS, MODES

termios = pytest.importorskip("termios", reason="no POSIX terminals here")
pty = pytest.importorskip("pty")


def until(what: Callable[[], bool]) -> None:
    """Wait for `what`."""
    for _ in range(1000):
        if what():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def cooked(fd: int) -> bool:
    """Whether the terminal gives whole lines and echoes."""
    return bool(termios.tcgetattr(fd)[3] & termios.ICANON and termios.tcgetattr(fd)[3] & termios.ECHO)


class TestDecoder:
    def test_keys_and_arrows(self) -> None:
        assert Decoder().push(" 1\x1b[A\x1b[B\x1bOC\x1bODq") == [" ", "1", UP, DOWN, RIGHT, LEFT, "q"]

    def test_an_arrow_may_come_in_pieces(self) -> None:
        decoder = Decoder()
        assert [decoder.push(c) for c in "\x1b[Ak"] == [[], [], [UP], ["k"]]

    @pytest.mark.parametrize("sequence", ["\x1b[3~", "\x1b[1;5A", "\x1b[200~", "\x1bOP", "\x1b[<0;1;1M", "\x1b\x1b"])
    def test_other_sequences_are_no_keys(self, sequence: str) -> None:
        assert Decoder().push(sequence + "\x1b[Ak") == [UP, "k"]

    def test_rubbish_does_not_pile_up(self) -> None:
        decoder = Decoder()
        decoder.push("\x1b[" + "1" * 10_000)
        assert decoder.push("k")[-1] == "k"


class TestPress:
    def test_every_key_asks_for_an_action_there_is(self) -> None:
        for key, asked in KEYS.items():
            desk = Desk()
            press(desk, key)
            action, _, argument = asked.partition(" ")
            assert desk.actions() == ([] if action == "learn" else [(action, argument)])
        known = {asked.split(" ")[0] for asked in KEYS.values()}
        assert known == set(ACTIONS) - {"program", "channel"}, "every action has a key, where no numbers are needed"
        assert [KEYS[str(i)] for i in range(1, 6)] == [f"mode {mode}" for mode in MODES]

    def test_arrows_choose_and_turn(self) -> None:
        desk = Desk()
        for key in (DOWN, RIGHT, RIGHT, DOWN, LEFT, UP):
            press(desk, key)
        assert (desk.controls.density, desk.controls.register, desk.selected) == (0.2, -1.0, "density")

    def test_a_key_while_learning_names_what_is_learnt(self) -> None:
        desk = Desk()
        press(desk, "l")
        assert desk.learning == "temperature"
        press(desk, DOWN)
        assert desk.learning == "density"
        press(desk, "4")
        assert desk.learning == "mode loop" and desk.actions() == []
        press(desk, "l")
        assert desk.learning == ""

    def test_help_and_keys_that_are_none(self) -> None:
        desk = Desk()
        for key in ("?", "x", "ö", "\n", ""):
            press(desk, key)
        assert desk.news() == [HELP] and desk.actions() == [] and desk.version == 0
        assert all(f" {key} " in HELP for key in KEYS if key not in "12345 "), "every key is explained"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """(the person's end, the program's end) of a pty."""
    person, program = pty.openpty()
    yield person, program
    for fd in (person, program):
        try:
            os.close(fd)
        except OSError:
            continue  # the test closed it


PROGRAM = """
import os, signal, sys, time
from musegen.live.desk import Desk
from musegen.live.keyboard import Keyboard
desk = Desk()
{extra}
with Keyboard(desk):
    print("READY", flush=True)
    while True:
        for action, argument in desk.actions():
            print(f"<{{action}} {{argument}}>", flush=True)
            if action == "quit":
                raise SystemExit
            if action == "panic":
                raise RuntimeError("on purpose")
        for row in desk.rows():
            if row.name == "temperature" and row.text != "0.90":
                print(f"<{{row.text}}>", flush=True)
                desk.set("temperature", 0.9)
        time.sleep(0.01)
"""


class InTerminal:
    """A program with a keyboard that runs in a pty of its own, as in a terminal window."""

    def __init__(self, extra: str = "") -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            root = Path(__file__).resolve().parents[2]
            os.chdir(root)
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM.format(extra=extra)])
        self.text = ""
        self.read_until("READY")

    def read_until(self, what: str) -> None:
        end = time.monotonic() + 60
        while what not in self.text:
            assert time.monotonic() < end, self.text
            self.text += os.read(self.fd, 4096).decode()

    def press(self, keys: bytes) -> None:
        until(lambda: not cooked(self.fd))
        os.write(self.fd, keys)

    def _hear_out(self) -> None:
        """Take what it still says: a terminal that nobody reads holds a program up."""
        if select.select([self.fd], [], [], 0.02)[0]:
            try:
                self.text += os.read(self.fd, 4096).decode()
            except OSError:  # it has ended
                time.sleep(0.02)

    def wait(self) -> int:
        """Its wait status, once it has ended."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
            self._hear_out()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        pytest.fail("it did not end")


class TestRealTerminal:
    def test_keys_arrive_singly_and_the_terminal_is_put_back(self) -> None:
        program = InTerminal()
        try:
            program.press(b" ")
            program.read_until("<tap >")
            program.press(b"4k\x1b[C")
            for answer in ("<0.95>", "<mode loop>", "<keep >"):
                program.read_until(answer)
            assert "4k" not in program.text, "keys are not echoed"
            program.press(b"q")
            program.read_until("<quit >")
            assert os.waitstatus_to_exitcode(program.wait()) == 0
            assert cooked(program.fd)
        finally:
            os.close(program.fd)

    @pytest.mark.parametrize(
        ("extra", "end"),
        [
            ("", b"p"),  # an exception
            ("", b"\x03"),  # Ctrl-C still interrupts
            ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))", signal.SIGTERM),
            ("Keyboard.__exit__ = lambda *_: None", b"q"),  # nobody stopped it: at exit
        ],
        ids=["exception", "Ctrl-C", "SIGTERM", "never stopped"],
    )
    def test_it_is_put_back_whatever_happens(self, extra: str, end: bytes | signal.Signals) -> None:
        program = InTerminal(extra)
        try:
            if isinstance(end, bytes):
                program.press(end)
            else:
                until(lambda: not cooked(program.fd))
                os.kill(program.pid, end)
            program.wait()
            assert cooked(program.fd)
        finally:
            os.close(program.fd)

    def test_after_a_stop_and_continue_keys_come_singly_again(self) -> None:
        """As a shell does it: Ctrl-Z, the shell's own settings, fg."""
        program = InTerminal()
        try:
            program.press(b" ")
            program.read_until("<tap >")
            os.kill(program.pid, signal.SIGSTOP)
            mode = termios.tcgetattr(program.fd)
            mode[3] |= termios.ICANON | termios.ECHO
            termios.tcsetattr(program.fd, termios.TCSANOW, mode)
            os.kill(program.pid, signal.SIGCONT)
            program.press(b"u")
            program.read_until("<undo >")
            program.press(b"q")
            program.wait()
            assert cooked(program.fd)
        finally:
            os.close(program.fd)

    def test_in_the_background_it_leaves_the_terminal_alone(self) -> None:
        """`musegen jam &` must neither be stopped by the terminal nor take the shell's keys."""
        person, program = pty.openpty()
        code = PROGRAM.format(extra="os.setpgid(0, 0)").replace('"READY"', '"READY", os.getpgrp()')
        shell = (
            "import os, subprocess, sys, fcntl, termios\n"
            "os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
            f"child = subprocess.Popen([sys.executable, '-c', {code!r}], stdout=subprocess.PIPE)\n"
            "child.stdout.readline()\n"
            "import time; time.sleep(1)\n"
            "state = open(f'/proc/{child.pid}/stat').read().rpartition(')')[2].split()[0]\n"
            "canonical = bool(termios.tcgetattr(0)[3] & termios.ICANON)\n"
            "child.terminate(); child.wait()\n"
            "sys.stderr.write(f'{state} {canonical}')\n"
        )
        if not Path("/proc/self/stat").exists():
            pytest.skip("no /proc here to read a process's state from")
        try:
            done = subprocess.run(
                [sys.executable, "-c", shell], stdin=program, capture_output=True, text=True, timeout=60, check=True,
                cwd=Path(__file__).resolve().parents[2],
            )  # fmt: skip
            assert done.stderr in ("S True", "R True")
        finally:
            os.close(person)
            os.close(program)

    def test_the_window_closes(self, terminal: tuple[int, int]) -> None:
        """The keys end, the music goes on: no error, no busy thread."""
        person, program = terminal
        with os.fdopen(os.dup(program)) as stream:
            keyboard = Keyboard(Desk(), stream)
            keyboard.start()
            os.close(person)
            keyboard.stop()
            keyboard.stop()
            assert keyboard._thread is not None and not keyboard._thread.is_alive()

    def test_no_terminal_no_keys(self, tmp_path: Path) -> None:
        (tmp_path / "in").write_text("q")
        desk = Desk()
        with (tmp_path / "in").open() as stream:
            assert not Keyboard(desk, stream).start()
        assert not Keyboard(desk, stream).start(), "a closed one neither"
        assert desk.actions() == []

    def test_learning_from_the_terminal(self) -> None:
        desk = Desk()
        for key in ("l", DOWN):
            press(desk, key)
        desk.midi(bytes((0xB0, 74, 5)))
        assert {row.name: row.cc for row in desk.rows()}["density"] == 74
        assert set(KNOBS) == {row.name for row in desk.rows()}
