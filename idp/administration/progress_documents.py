"""What the API says of programmes under way, beside what `idp.rollout` says itself."""

from __future__ import annotations

from msgspec import Struct

from idp.rollout.progress import PhaseProgress, StuckRow


class ProgressDocument(Struct, frozen=True):
    """How far the phases of a programme are, in order."""

    phases: tuple[PhaseProgress, ...]


class StuckList(Struct, frozen=True):
    """Who of a phase may need help, by name."""

    stuck: tuple[StuckRow, ...]
    next: str | None
