"""What a login demands of the sign-in at an upstream."""

from __future__ import annotations

from idp.authorization.login import Login
from idp.federation.provider import UpstreamProvider, domain_of
from idp.federation.question import Demand


def demand_of(login: Login, provider: UpstreamProvider) -> Demand:
    """The client's demands are handed on; a name only where its domain is the upstream's own."""
    typed = login.name_hint or ""
    return Demand(
        prompt=login.request.prompt,
        max_age=login.request.max_age,
        hint=typed if domain_of(typed) in provider.domains else "",
        ui_locales=login.request.ui_locales,
    )
