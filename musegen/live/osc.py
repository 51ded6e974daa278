"""Steering over the network: OSC messages (Open Sound Control 1.0) turn the knobs of a desk and ask for its actions.

    /musegen/<knob> f      turn a knob; /musegen/key s, /musegen/harmony i i … (pitch classes; none: let go)
    /musegen/mode s        play in another mode
    /musegen/<action> [s]  ask for an action; a number is a button: 0 is its release, which does nothing
    /musegen/state [i]     answers every knob as /musegen/<knob>, to the sender (at port i)

What is not understood is counted in `bad`, and complained of once. Knows nothing of music.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from ..errors import MissingPackageError, PortError, SettingsError
from .desk import Desk
from .knobs import ACTIONS, KNOBS

if TYPE_CHECKING:
    from pythonosc.osc_message import OscMessage

PORT = 9000
LARGEST = 65_536  # bytes of a datagram
PREFIX = "/musegen/"

Address = tuple[str, int]


class OscServer:
    """Listens on UDP `port` (0: any free one) of `host` until `close`. Raises PortError or MissingPackageError."""

    def __init__(self, desk: Desk, port: int = PORT, host: str = "127.0.0.1") -> None:
        try:
            import pythonosc  # noqa: F401 here rather than at the first message
        except ImportError:
            raise MissingPackageError("python-osc", "--osc", "osc") from None
        self.bad = 0
        self._desk = desk
        self._socket = _bound(host, port)
        self._thread = threading.Thread(target=self._loop, daemon=True, name="osc")
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Stop listening. Twice is once."""
        if not self._ending:
            self._ending = True
            self._thread.join(2.0)
            self._socket.close()

    _ending = False

    def _loop(self) -> None:
        while not self._ending:
            try:
                data, sender = self._socket.recvfrom(LARGEST)
            except TimeoutError:
                continue
            except OSError:  # on Windows: an answer reached nobody
                continue
            self._take(data, sender)

    def _take(self, data: bytes, sender: Address) -> None:
        from pythonosc.osc_packet import OscPacket, ParseError

        try:
            messages = [m.message for m in OscPacket(data).messages]
        except (ParseError, ValueError, IndexError, OverflowError, RecursionError, UnicodeError) as error:
            self._complain(str(error) or "it is no OSC message")
            return
        for message in messages:
            try:
                self._obey(message, sender)
            except SettingsError as error:
                self._complain(str(error))

    def _obey(self, message: OscMessage, sender: Address) -> None:
        """Raises SettingsError for what is not understood."""
        name = message.address.removeprefix(PREFIX)
        values: list[Any] = message.params
        if name == "state":
            self._answer(sender[0], _port(values[0]) if values else sender[1])
        elif name == "harmony":
            self._desk.set(name, [_pitch_class(v) for v in values])
        elif name in KNOBS and values:
            self._desk.set(name, values[0])
        elif name in ACTIONS:
            self._ask(name, values[0] if len(values) == 1 else " ".join(str(v) for v in values))
        else:
            raise SettingsError(f"{message.address} with {len(values)} values is neither a knob nor an action.")

    def _ask(self, action: str, argument: object) -> None:
        if isinstance(argument, str):
            self._desk.do(action, argument)
        elif argument:  # a button of a touch surface sends 1 and, on release, 0
            self._desk.do(action)

    def _answer(self, host: str, port: int) -> None:
        from pythonosc.osc_message_builder import OscMessageBuilder

        for name, value in self._desk.state().items():
            builder = OscMessageBuilder(PREFIX + name)
            builder.add_arg(value if isinstance(value, str) else float(value))
            try:
                self._socket.sendto(builder.build().dgram, (host, port))
            except OSError:
                return  # whoever asked has gone

    def _complain(self, why: str) -> None:
        self.bad += 1
        if self.bad == 1:
            self._desk.say(f"An OSC message was not understood ({why.rstrip('.')}); such messages are left out.")


def _bound(host: str, port: int) -> socket.socket:
    """A UDP socket. Raises PortError."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        why = getattr(error, "strerror", None) or str(error)
        raise PortError(f"OSC cannot listen on port {port} ({why}): choose another with  --osc PORT.") from None
    made.settimeout(0.2)
    return made


def _port(value: object) -> int:
    if not isinstance(value, int) or not 0 < value < 65_536:
        raise SettingsError(f"{value!r} is not a port to answer to.")
    return value


def _pitch_class(value: object) -> int:
    if not isinstance(value, int | float) or value != value or abs(value) > 127:
        raise SettingsError(f"{value!r} is not a pitch class.")
    return int(value)
