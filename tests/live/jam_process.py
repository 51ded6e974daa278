"""`musegen jam` with a shipped model, as a person starts it, on a JACK server; what it prints is kept with its time."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from jack_rig import JackServer

READY = 3.0  # seconds in which a model has its first notes


class JamProcess:
    """`musegen jam ARGUMENTS` in `folder`."""

    def __init__(self, server: JackServer, folder: Path, *arguments: str) -> None:
        self.lines: list[tuple[float, str]] = []
        """What it has printed, with the time on `time.perf_counter`'s clock."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "musegen", "jam", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=server.environment,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append((time.perf_counter(), line.rstrip("\n")))

    @property
    def said(self) -> str:
        """Everything it has printed."""
        return "\n".join(line for _, line in self.lines)

    def wait_for(self, words: str, seconds: float = 30.0) -> float:
        """Until it prints a line that holds `words`; when it did."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for at, line in list(self.lines):
                if words in line:
                    return at
            time.sleep(0.01)
        raise AssertionError(f"it never said {words!r}, but: {self.said}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C; its exit status."""
        self.process.send_signal(number)
        return self.end()

    def end(self, seconds: float = 30.0) -> int:
        """Wait for it; its exit status."""
        self.process.wait(seconds)
        self._reader.join(5)
        return self.process.returncode

    def kill(self) -> None:
        """End it, however it is; twice is once."""
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def child(self, word: str) -> int:
        """The first process that it started, directly or not, whose command holds `word`: its number."""
        lines = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in lines.splitlines()[1:]]
        family = {str(self.process.pid)}
        for _ in rows:
            family |= {pid for pid, parent, _ in rows if parent in family}
        return min(int(pid) for pid, _, command in rows if pid in family and word in command)
