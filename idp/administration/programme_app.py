"""The composition root of what the API has for programmes: to lead them, see where they stand, help one person."""

from __future__ import annotations

from collections.abc import Mapping

from config.clock import Clock
from config.connections import Database, Valkey
from config.entropy import Entropy
from config.envelope import Envelope
from config.openapi import Operation
from config.settings import Settings
from idp.administration.analysis_acts import AnalysisActs
from idp.administration.analysis_endpoints import AnalysisEndpoints
from idp.administration.endpoints import Endpoint
from idp.administration.notice_acts import NoticeActs
from idp.administration.programme_acts import ProgrammeActs
from idp.administration.programme_endpoints import ProgrammeEndpoints
from idp.administration.progress_acts import ProgressActs
from idp.administration.progress_endpoints import ProgressEndpoints
from idp.administration.remembered import Remembered
from idp.administration.support_acts import SupportActs
from idp.administration.support_endpoints import SupportEndpoints
from idp.credentials.recovery import Recovery
from idp.credentials.throttle import Throttle
from idp.programme_parts import Phases, analyses, leading, reporting
from idp.rollout.feedback import Feedback
from idp.storage import (
    administered_organisations,
    administered_people,
    directory,
    feedback,
    legacy_counts,
    phase_notices,
    phase_people,
    phase_records,
    programmes,
    recovery_links,
    sign_in_days,
    sign_in_history,
    supported_people,
)
from notifications.queue import Queue


def programme_operations(
    settings: Settings,
    database: Database,
    valkey: Valkey,
    envelope: Envelope,
    clock: Clock,
    entropy: Entropy,
    queue: Queue,
) -> Mapping[Operation, Endpoint]:
    """Each operation with what answers it."""
    leads, remembered = leading(settings, clock, entropy), Remembered(clock)
    programme_acts = ProgrammeActs(
        database=database,
        valkey=valkey,
        clock=clock,
        programmes=programmes,
        records=phase_records,
        people=phase_people,
        leading=leads,
        legacy=legacy_counts,
        remembered=remembered,
    )
    notice_acts = NoticeActs(database=database, clock=clock, programmes=programmes, facts=phase_notices)
    analysis_acts = AnalysisActs(
        database=database,
        clock=clock,
        analyses=analyses(),
        days=sign_in_days,
        feedback=Feedback(feedback, envelope, entropy),
        organisations=administered_organisations,
        remembered=remembered,
    )
    progress_acts = ProgressActs(
        database=database,
        clock=clock,
        programmes=programmes,
        reporting=reporting(),
        organisations=administered_organisations,
        remembered=remembered,
    )
    support_acts = SupportActs(
        database=database,
        valkey=valkey,
        clock=clock,
        entropy=entropy,
        people=administered_people,
        supported=supported_people,
        sign_ins=sign_in_history,
        directory=directory,
        phases=Phases(),
        leading=leads,
        recovery=Recovery(recovery_links, entropy, settings.idp.issuer),
        throttle=Throttle(valkey),
        queue=queue,
        page=f"{settings.idp.issuer}/account/factors",
        help_at=f"{settings.idp.issuer}/help",
    )
    return {
        **SupportEndpoints(support_acts).operations(),
        **AnalysisEndpoints(analysis_acts).operations(),
        **ProgressEndpoints(progress_acts).operations(),
        **ProgrammeEndpoints(programme_acts, notice_acts).operations(),
    }
