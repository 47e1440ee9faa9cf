"""Signing in by way of an organisation's own identity provider, as a part of the composition root."""

from __future__ import annotations

from collections.abc import Mapping

from idp.account import account_door, account_letters
from idp.credentials.throttle import Throttle
from idp.endpoints.account.links import LinksPage
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.upstream.arriving import ArrivingLogin
from idp.endpoints.upstream.asking import Asking, UpstreamSignIn
from idp.endpoints.upstream.callback import UpstreamCallback
from idp.endpoints.upstream.failed import UpstreamFailed
from idp.endpoints.upstream.link_page import LinkPage
from idp.endpoints.upstream.new_account import NewAccounts
from idp.parts import Parts
from idp.routes import Endpoint
from idp.storage import directory, preferences, upstream_attempts, upstream_links, upstream_providers


def federation_endpoints(parts: Parts, shared: LoginPages, throttle: Throttle) -> Mapping[str, Endpoint]:
    """The way to an upstream and back, and the links, by the names of the table of routes."""
    asking = Asking(
        attempts=upstream_attempts,
        upstreams=parts.upstreams,
        key=parts.question_key,
        database=parts.database,
        clock=parts.clock,
        entropy=parts.entropy,
        issuer=parts.issuer,
    )
    failed = UpstreamFailed(shared)
    links = LinksPage(
        shared,
        door=account_door(parts, shared),
        letters=account_letters(parts),
        links=upstream_links,
        providers=upstream_providers,
        asking=asking,
        mac=parts.mac,
    )
    arriving = ArrivingLogin(
        shared,
        providers=upstream_providers,
        links=upstream_links,
        accounts=NewAccounts(directory, upstream_links, parts.clock, parts.entropy),
        failed=failed,
    )
    callback = UpstreamCallback(
        shared,
        attempts=upstream_attempts,
        providers=upstream_providers,
        upstreams=parts.upstreams,
        key=parts.question_key,
        throttle=throttle,
        of_login=arriving,
        of_session=links,
        issuer=parts.issuer,
    )
    link = LinkPage(
        shared,
        providers=upstream_providers,
        links=upstream_links,
        notices=FactorNotices(parts.queue, preferences, parts.not_me),
        failed=failed,
    )
    sign_in = UpstreamSignIn(shared, asking=asking, offers=parts.offers, faces=parts.faces, failed=failed)
    return {
        "upstream": parts.restart.around(sign_in),
        "upstream_callback": callback,
        "upstream_link": parts.restart.around(link),
        "account_links": links,
        "account_link_connect": links.connect,
        "account_link_remove": links.ask_to_remove,
        "account_link_removed": links.remove,
    }
