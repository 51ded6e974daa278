"""The left hand as harmony: which pitch classes the chord below the split point holds.

Knows nothing of keys or models; it is fed the player's messages in order.
"""

from __future__ import annotations

from .messages import ALL_NOTES_OFF, DRUM_CHANNEL, is_off, is_on

SPLIT = 60
"""The key from which on the right hand plays: middle C."""


class HeldChord:
    """Follows the keys below `split` (MIDI pitch), drums apart.

    The chord is what was held when the last of its keys went down. It stays when fingers are lifted, so that a hand
    can move to the next chord, and the pedal is not needed; `release` lets go of it. Two different pitch classes make
    a chord: a single key is a bass note and changes nothing. With `latch` off it ends with its last key.
    """

    def __init__(self, split: int = SPLIT, latch: bool = True) -> None:
        self.split, self.latch = split, latch
        self._held: set[tuple[int, int]] = set()
        self._classes: frozenset[int] = frozenset()

    @property
    def classes(self) -> frozenset[int]:
        """The chord's pitch classes, 0 (C) … 11; none: no chord."""
        return self._classes

    def hear(self, message: bytes) -> bool:
        """Take in one of the player's messages; whether it changed `classes`."""
        before = self._classes
        channel = message[0] & 0x0F
        if channel == DRUM_CHANNEL or len(message) != 3:
            return False
        key = (channel, message[1])
        if is_on(message) and message[1] < self.split:
            self._held.add(key)
            chord = frozenset(pitch % 12 for _, pitch in self._held)
            self._classes = chord if len(chord) > 1 else before
        elif is_off(message):
            self._held.discard(key)
        elif message[0] & 0xF0 == 0xB0 and message[1] == ALL_NOTES_OFF:
            self._held = {k for k in self._held if k[0] != channel}
        if not self.latch and not self._held:
            self._classes = frozenset()
        return self._classes != before

    def release(self) -> bool:
        """Let go of the chord; whether there was one. Keys that are still down begin a new one with the next."""
        was, self._classes = self._classes, frozenset()
        return bool(was)
