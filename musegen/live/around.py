"""A port around a port: everything is passed on, so that whoever wraps one writes down only what is different."""

from __future__ import annotations

from collections.abc import Callable

from .ports import Port


class Around:
    """Passes everything on to `port` and back."""

    def __init__(self, port: Port) -> None:
        self._port = port

    @property
    def name(self) -> str:
        """The port's name."""
        return self._port.name

    @property
    def lookahead(self) -> float:
        """The port's."""
        return self._port.lookahead

    @property
    def up(self) -> bool:
        """Whether the port is there."""
        return self._port.up

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the port listens to, if it knows."""
        return tuple(getattr(self._port, "inputs", ()))

    @property
    def late(self) -> int:
        """Note-ons that the port itself dropped, if it counts them."""
        return int(getattr(self._port, "late", 0))

    def send(self, message: bytes, time: float) -> None:
        """Pass on."""
        self._port.send(message, time)

    def cancel(self) -> None:
        """Pass on."""
        self._port.cancel()

    def receive(self) -> list[tuple[float, bytes]]:
        """What came in."""
        return self._port.receive()

    def news(self) -> list[str]:
        """The port's."""
        return self._port.news()

    def thru(self, on: bool) -> None:
        """Pass on."""
        self._port.thru(on)

    def listen(self, wake: Callable[[], None]) -> None:
        """Pass on."""
        self._port.listen(wake)

    def check(self) -> None:
        """Raise PortError if the port has gone for good."""
        self._port.check()

    def close(self) -> None:
        """Pass on."""
        self._port.close()
