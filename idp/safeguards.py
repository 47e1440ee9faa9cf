"""What keeps an account from others, as several pages use it: ways back in that can be stopped, and what follows where
somebody says "this wasn't me"."""

from __future__ import annotations

from idp.credentials.recovery import Recovery
from idp.endpoints.not_me.measures import NotMeMeasures
from idp.endpoints.sign_in.ways_back import WaysBack
from idp.parts import Parts
from idp.storage import assisted_resets, directory, preferences, recovery_links, waiting_recoveries


def ways_back(parts: Parts) -> WaysBack:
    """The ways back in that need no factor: for the pages that end them."""
    return WaysBack(
        waiting=waiting_recoveries,
        resets=assisted_resets,
        recovery=Recovery(recovery_links, parts.entropy, parts.issuer),
        directory=directory,
        clocks=preferences,
        queue=parts.queue,
    )


def not_me_measures(parts: Parts) -> NotMeMeasures:
    """What is done where somebody says "this wasn't me"."""
    return NotMeMeasures(
        locks=directory,
        directory=directory,
        preferences=preferences,
        recovery=Recovery(recovery_links, parts.entropy, parts.issuer),
        one_session=parts.one_session,
        queue=parts.queue,
        ways_back=ways_back(parts),
    )
