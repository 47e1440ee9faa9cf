"""The people's part of the composition root: the pages of the login, the account, and what they stand on."""

from __future__ import annotations

from collections.abc import Mapping

from idp.credentials.throttle import Throttle
from idp.endpoints.account.door import AccountDoor
from idp.endpoints.account.pages import AccountPages
from idp.endpoints.login.factor import FactorPage
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.takeover import TakeoverPage
from idp.endpoints.session_status import SessionStatusEndpoint
from idp.endpoints.sign_in.page import SignInPage
from idp.factors.passkey import RelyingParty
from idp.parts import Parts
from idp.routes import Endpoint
from idp.storage import devices, directory, factors, logins, passwords

ISSUER_NAME = "Munjigi"


def people_endpoints(parts: Parts) -> Mapping[str, Endpoint]:
    """The pages of the login and the account, by the names of the table of routes."""
    shared = LoginPages(
        hops=parts.hops,
        logins=logins,
        clients=parts.clients,
        arrivals=parts.arrivals,
        pages=parts.pages,
        database=parts.database,
        clock=parts.clock,
        entropy=parts.entropy,
    )
    throttle = Throttle(parts.valkey)
    passkeys = PasskeyCeremonies(RelyingParty.of_issuer(parts.issuer, ISSUER_NAME), factors, parts.entropy)
    sign_in = SignInPage(
        shared,
        directory=directory,
        passwords=passwords,
        devices=devices,
        pool=parts.passwords,
        throttle=throttle,
        passkeys=passkeys,
    )
    factor = FactorPage(shared, factors=factors, envelope=parts.envelope, throttle=throttle, passkeys=passkeys)
    account = AccountPages(
        shared,
        door=AccountDoor(shared, directory=directory, enrolments=factors, mac=parts.mac),
        factors=factors,
        envelope=parts.envelope,
        throttle=throttle,
        passkeys=passkeys,
        issuer_name=ISSUER_NAME,
    )
    return {
        "sign_in": sign_in,
        "sign_in_passkey": sign_in.by_passkey,
        "factor": factor,
        "factor_passkey": factor.by_passkey,
        "takeover": TakeoverPage(shared),
        "account": account,
        "account_authenticator": account.begin_authenticator,
        "account_authenticator_confirm": account.confirm_authenticator,
        "account_authenticator_remove": account.remove_authenticator,
        "account_passkey": account.add_passkey,
        "account_passkey_remove": account.remove_passkey,
        "session_status": SessionStatusEndpoint(parts.arrivals, parts.database, parts.clock),
    }
