"""What the routes for files, takes and looks take and give, as protocol.ts has it: for checking, and for OpenAPI.

Knows nothing of how any of it comes about.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=80)]


class Problem(BaseModel):
    """What every refusal holds: one sentence for the person."""

    error: str


class Part(BaseModel):
    part: int
    name: str
    program: int
    notes: int


class PieceView(BaseModel):
    """A file. Ticks are 24 a quarter; a note is [onset, duration, pitch, velocity, program, part]."""

    id: str
    name: str
    title: str
    notes: list[tuple[int, int, int, int, int, int]]
    parts: list[Part]
    meters: list[tuple[int, int, int]]
    tempos: list[tuple[int, float]]
    key: str
    end: int
    bars: list[int]
    seconds: float


class SeedView(BaseModel):
    name: str
    title: str


class Surprise(BaseModel):
    """−log P of each note, in the order of a view's notes."""

    checkpoint: str
    nats: list[float]
    mean: float


class TakesWanted(BaseModel):
    """What is to be made of a file. `part` is that of the file's view."""

    model_config = ConfigDict(extra="forbid")

    file: Id
    kind: Literal["continue", "infill", "humanise", "vary"]
    checkpoint: Text | None = None
    n: int = Field(1, ge=1, le=1000)
    bars: int = Field(8, ge=1, le=64, description="how many bars to go on for")
    from_bar: int | None = Field(None, ge=1, le=100_000, description="from 1; both bars are included")
    to_bar: int | None = Field(None, ge=1, le=100_000)
    part: int | None = Field(None, ge=0, le=100_000)
    keep: Literal["rhythm", "pitch"] | None = None
    temperature: float | None = Field(None, ge=0, le=10, allow_inf_nan=False)
    key: Text | None = None
    feel: Text | None = None
    amount: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    seed_number: int = Field(0, ge=0, lt=2**31)
    with_seed: bool = False


class TakeView(BaseModel):
    file: str
    name: str
    notes: int
    nats: float | None


class JobView(BaseModel):
    id: str
    wanted: TakesWanted
    state: Literal["queued", "running", "done", "failed", "stopped"]
    done: int
    total: int
    progress: float
    takes: list[TakeView]
    error: str


class CheckpointView(BaseModel):
    """`figures`: nats a note of held-out pieces, by name."""

    name: str
    family: str
    parameters: int
    styles: list[str]
    figures: dict[str, float]
    plays: bool
    likelihood: bool


class CheckpointCard(CheckpointView):
    card: str


class RunView(BaseModel):
    name: str
    state: Literal["training", "stopped", "finished"]
    steps: int
    minutes: float
    last: float | None


class RunLog(BaseModel):
    points: list[dict[str, float | str]]
    next: int


class Histogram(BaseModel):
    edges: list[float | str]
    counts: list[int]


class CorpusView(BaseModel):
    name: str
    pieces: int
    notes: int
    fingerprint: str
    styles: dict[str, int]
    splits: dict[str, int]
    histograms: dict[str, Histogram]
