"""Every error that musegen raises on purpose.

    MusegenError
    ├── FileError           a file cannot be read or written
    │   ├── MidiError       … as a Standard MIDI File
    │   └── ScoreError      … as MusicXML, ABC or Humdrum
    ├── CorpusError         a corpus folder cannot be built, read or extended
    ├── CheckpointError     a checkpoint folder cannot be saved or loaded
    ├── SettingsError       an option or a configuration value makes no sense
    ├── ClusterError        a Ray cluster cannot be reached, or has lost its machines
    ├── PortError           a MIDI port cannot be opened, or has gone
    └── MissingPackageError a feature needs a package that is not installed

Each message is one sentence for a musician: what is wrong, where, and what to do. The command line
prints it and exits with status 1; a traceback is always a bug.
"""

from __future__ import annotations


class MusegenError(Exception):
    """Base of every error raised on purpose; its text is one complete sentence."""


class FileError(MusegenError):
    """A file cannot be read or written."""


class MidiError(FileError):
    """A file is not a Standard MIDI File that musegen can read."""


class ScoreError(FileError):
    """A notation file (MusicXML, ABC, Humdrum) cannot be read or written."""


class CorpusError(MusegenError):
    """A corpus folder cannot be built, read or extended."""


class CheckpointError(MusegenError):
    """A checkpoint folder cannot be saved or loaded."""


class SettingsError(MusegenError):
    """An option or a configuration value makes no sense."""


class ClusterError(MusegenError):
    """A Ray cluster cannot be reached, does not fit this machine, or has lost its machines."""


class PortError(MusegenError):
    """A MIDI port cannot be opened, or has gone away."""


class MissingPackageError(MusegenError):
    """A feature needs a package that is not installed."""

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed: run  pip install 'musegen[{extra}]'"
        )
        self.package = package
        self._arguments = (package, purpose, extra)

    def __reduce__(self) -> tuple[type[MissingPackageError], tuple[str, str, str]]:
        return type(self), self._arguments  # the default would hand the message alone to __init__ when unpickled
