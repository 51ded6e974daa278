"""A gan as a maker of bars (`engine.bars.BarMaker`): its phrases laid end to end, each going on from the half before.

The first half of a phrase is known (the last bars above) and the second half is new; where nothing sounds above, the
phrase comes from noise alone. Or some tracks are known throughout and the others play to them. Limits hold afterwards
(`engine.within`). numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..checkpoint import Checkpoint
from ..errors import CheckpointError, SettingsError
from ..events.roll import HOLD, SILENT, Cells
from ..models.config import GanConfig
from ..models.images import Image
from ..piece import Piece
from .bars import NO_LIKELIHOOD, BarLimits, RollNats, Wanted
from .base import Floats
from .gan import GanNetwork
from .within import within


class PhraseMaker:
    """A trained gan; see `engine.bars.BarMaker`."""

    obeys: frozenset[str] = frozenset()

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.styles = checkpoint.shape(GanConfig), checkpoint.styles
        self.bar, self._known = self.config.bar, self.config.bars // 2  # of a phrase's bars
        self.hears = self._known * self.config.bar
        self.at_once = (self.config.bars - self._known) * self.config.bar
        silence = np.zeros((1, self.config.tracks, self.hears, self.config.pitches), np.uint8)
        try:
            self.network = GanNetwork(checkpoint)
            self._go_on(silence, np.zeros((1, self.config.noise), np.float32))  # played once, all are looked at
        except (LookupError, ValueError) as error:
            raise CheckpointError("The gan's weights do not fit its settings: train it again.") from error

    def nats(self, piece: Piece) -> RollNats:
        raise SettingsError(NO_LIKELIHOOD)

    def draw(self, wanted: Wanted) -> Cells:
        noise = np.stack([self.noise(g, len(wanted.place)) for g in wanted.generators])
        return self.draw_from(noise, [wanted.above] * len(noise), wanted)

    def noise(self, generator: np.random.Generator, steps: int) -> Floats:
        """What as many phrases as make `steps` steps are drawn from: standard normal numbers (phrases, Z)."""
        phrases = -(-steps // self.at_once)
        return generator.standard_normal((phrases, self.config.noise)).astype(np.float32)

    def draw_from(self, noise: Floats, above: Sequence[Image], wanted: Wanted) -> Cells:
        """As `draw`, from chosen noise (n, phrases, Z) and after what is above each roll."""
        known = np.stack([self._latest(image) for image in above])
        drawn: list[Cells] = []
        for i in range(noise.shape[1]):
            known = self._go_on(known, noise[:, i])
            drawn.append(known)
            wanted.tell(min(len(wanted.place), (i + 1) * self.at_once))
        cells = np.concatenate(drawn, 2)[:, :, : len(wanted.place)]
        held = np.logical_and.accumulate(cells == HOLD, 2)  # on from the music above, which has ended
        cells = np.where(held, SILENT, cells).transpose(0, 2, 3, 1)
        return np.stack([within(roll, wanted.limits) for roll in cells])

    def play_to(self, music: Cells, new: npt.NDArray[np.bool_], noise: Floats, limits: BarLimits) -> Cells:
        """Rows (T, P, K), within the limits, in which the tracks that are `new` (K,) play to the others of `music`.

        `music` (T, P, K) is of whole bars. Each phrase, from its own row of `noise` (phrases, Z), overlaps the one
        before by half, and knows what it played there.
        """
        (steps, pitches, tracks), each, size = music.shape, self.config.bar, self.config.bars
        starts = range(0, max(1, steps // each - self._known), size - self._known)
        cells = np.zeros((tracks, starts[-1] + size, each, pitches), np.uint8)
        cells.reshape(tracks, -1, pitches)[~new, :steps] = music.transpose(2, 0, 1)[~new]
        known = np.zeros(cells.shape[:2], np.bool_)
        known[~new, : steps // each] = True  # what would follow the last bar is left to the network
        for start, z in zip(starts, noise, strict=False):
            bars = slice(start, start + size)
            sounds = (cells[:, bars][:, : self._known] != SILENT).any((1, 2, 3))
            mask = known[:, bars] & (sounds | ~new)[:, None]  # a new track that has been silent may come in
            made = self.network.phrases(z[None], cells[None, :, bars], mask[None])[0]
            cells[:, bars] = np.where(known[:, bars, None, None], cells[:, bars], made)
            known[:, bars] = True
        rows = cells.reshape(tracks, -1, pitches)[:, :steps].transpose(1, 2, 0)
        return within(np.where(new, rows, SILENT), limits)

    def _go_on(self, known: Cells, noise: Floats) -> Cells:
        """The new half (n, K, T, P) of phrases whose first half is `known` (n, K, T, P)."""
        n, tracks, _, pitches = known.shape
        bars, each = self.config.bars, self.config.bar
        given = np.zeros((n, tracks, bars, each, pitches), np.uint8)
        given[:, :, : self._known] = known.reshape(n, tracks, self._known, each, pitches)
        sounds = (given != SILENT).any((3, 4))  # (n, K, bars)
        # A track that has been silent may come in, and so may all where the music has hardly begun.
        mask = sounds.any(2, keepdims=True) & sounds.any(1, keepdims=True)
        mask[:, :, self._known :] = False
        new: Cells = self.network.phrases(noise, given, mask)[:, :, self._known :].reshape(n, tracks, -1, pitches)
        return new

    def _latest(self, above: Image) -> Cells:
        """The last known bars (K, T, P) of what is above; those of another meter, and what they follow, are silent."""
        cells = np.zeros((self.config.tracks, self.hears, self.config.pitches), np.uint8)
        fits = above.place.sum(1) == self.config.bar
        first = 0 if fits.all() else int(np.flatnonzero(~fits)[-1]) + 1
        rows = above.cells[max(first, len(above.cells) - self.hears) :].transpose(2, 0, 1)
        cells[:, self.hears - rows.shape[1] :] = rows
        return cells
