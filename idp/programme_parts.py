"""What programmes stand on, put together once for all who lead them or look at them: API, commands, worker."""

from __future__ import annotations

from config.clock import Clock
from config.entropy import Entropy
from config.settings import Settings
from idp.rollout.analysis import Analyses
from idp.rollout.demands import offered_here
from idp.rollout.leading import Leading
from idp.rollout.reporting import Reporting
from idp.storage import (
    analysis,
    phase_comparison,
    phase_people,
    phase_plans,
    phase_progress,
    phase_records,
    programme_remains,
    programmes,
    sign_in_days,
)


class Phases:
    """Phases as they are planned, and whom they reach."""

    find = staticmethod(programmes.find)
    planned = staticmethod(phase_plans.planned)
    preview = staticmethod(phase_people.preview)
    facts = staticmethod(phase_people.facts)
    standings = staticmethod(phase_people.standings)


def leading(settings: Settings, clock: Clock, entropy: Entropy) -> Leading:
    """What leads programmes, by the methods that this house offers."""
    offered = offered_here(texts=settings.texts_go_by is not None)
    return Leading(programmes, phase_records, phase_people, clock, entropy, offered=offered)


def analyses() -> Analyses:
    """How people sign in."""
    return Analyses(analysis, Phases())


def reporting() -> Reporting:
    """How far phases are, and what they came to."""
    return Reporting(
        phases=phase_plans,
        counted=phase_progress,
        compared=phase_comparison,
        counts=analysis,
        days=sign_in_days,
        remains=programme_remains,
    )
