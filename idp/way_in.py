"""The way in, as a part of the composition root: signing in, the way back in by mail, pages that begin again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from config.this_machine import is_this_machine
from idp.approving import push_sign_in
from idp.credentials.recovery import Recovery
from idp.credentials.throttle import Throttle
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.password_change import NewPasswords, PasswordChange
from idp.endpoints.login.text_codes import TextCodes
from idp.endpoints.login.typed_codes import TypedCodes
from idp.endpoints.sign_in.by_mail import MailLinkPage
from idp.endpoints.sign_in.closed_passwords import ClosedPasswords
from idp.endpoints.sign_in.first_factor import FirstFactor
from idp.endpoints.sign_in.guess import Guesses
from idp.endpoints.sign_in.leaked_password import LeakedPasswordPage
from idp.endpoints.sign_in.leaks import Leaks
from idp.endpoints.sign_in.link_mail import LinkMail
from idp.endpoints.sign_in.new_password import NewPasswordPage
from idp.endpoints.sign_in.page import SignInPage
from idp.endpoints.sign_in.recover import RecoverPage
from idp.endpoints.sign_in.remembering import Remembering
from idp.endpoints.sign_in.reset_code import ResetCodePage
from idp.endpoints.sign_in.second_proof import SecondProof
from idp.endpoints.sign_in.wait import StopPage, WaitPage
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from idp.importing.old_system import OldSystems
from idp.parts import Parts
from idp.routes import Endpoint
from idp.safeguards import ways_back
from idp.storage import (
    assisted_resets,
    devices,
    directory,
    factor_reset,
    factors,
    known_people,
    old_systems,
    passwords,
    preferences,
    proven_addresses,
    recovery_links,
    remembered,
    sign_in_links,
    waiting_recoveries,
)


def remembering(parts: Parts) -> Remembering:
    """Remembered browsers: for the sign-in page, and for the dispatcher, where sessions begin."""
    return Remembering(
        storage=remembered,
        devices=devices,
        directory=directory,
        one_session=parts.one_session,
        notices=_notices(parts),
        entropy=parts.entropy,
    )


def way_in_endpoints(
    parts: Parts,
    shared: LoginPages,
    throttle: Throttle,
    passkeys: PasskeyCeremonies,
    typed_codes: TypedCodes,
    text_codes: TextCodes,
) -> Mapping[str, Endpoint]:
    """The pages of the way in, by the names of the table of routes."""
    notices = _notices(parts)
    recovery = Recovery(recovery_links, parts.entropy, parts.issuer)
    mail = LinkMail(
        shared=shared,
        directory=directory,
        faces=parts.faces,
        rules=parts.rules,
        links=sign_in_links,
        key=parts.link_key,
        queue=parts.queue,
        preferences=preferences,
        throttle=throttle,
        issuer=parts.issuer,
        lifetime=timedelta(seconds=parts.settings.idp.sign_in_link_lifetime),
        by_default=parts.settings.idp.sign_in_links,
    )
    first_factor = FirstFactor(
        shared,
        directory=directory,
        guesses=Guesses(
            directory=directory,
            passwords=passwords,
            devices=devices,
            pool=parts.passwords,
            throttle=throttle,
            old_systems=OldSystems(
                storage=old_systems,
                homes=directory,
                database=parts.database,
                envelope=parts.envelope,
                clock=parts.clock,
                entropy=parts.entropy,
                this_machine=is_this_machine(urlsplit(parts.issuer).hostname or ""),
            ),
            takeovers=old_systems,
            clock=parts.clock,
        ),
        remembering=remembering(parts),
        passkeys=passkeys,
        leaks=Leaks(
            breached=parts.breached,
            passwords=passwords,
            notices=notices,
            grace=timedelta(days=parts.settings.idp.breached_password_grace),
        ),
        closed=ClosedPasswords(parts.demanding, known_people, mail, approvals=parts.settings.idp.approval_alone),
    )
    rules = NewPasswords(parts.breached)
    change = PasswordChange(
        passwords=passwords, remembered=remembered, one_session=parts.one_session, signals=parts.signals
    )
    leaked = LeakedPasswordPage(
        shared,
        directory=directory,
        preferences=preferences,
        rules=rules,
        change=change,
        notices=notices,
        pool=parts.passwords,
    )
    by_push = push_sign_in(parts, shared)
    sign_in = SignInPage(
        shared,
        first_factor=first_factor,
        enrolments=factors,
        throttle=throttle,
        passkeys=passkeys,
        offers=parts.offers,
        faces=parts.faces,
        links=mail,
        rules=parts.rules,
        push=by_push,
    )
    by_mail = MailLinkPage(shared, mail=mail, first_factor=first_factor, sign_in=sign_in, addresses=proven_addresses)
    return {
        "sign_in_mail": parts.restart.around(by_mail),
        "sign_in_mail_open": parts.restart.around(by_mail.open),
        "sign_in_push": parts.restart.around(by_push),
        "sign_in_push_state": by_push.state,
        "sign_in": parts.restart.around(sign_in),
        "sign_in_passkey": parts.restart.around(sign_in.by_passkey),
        "leaked_password": parts.restart.around(leaked),
        "recover": RecoverPage(shared, directory=directory, recovery=recovery, notices=notices, throttle=throttle),
        "recover_wait": WaitPage(
            shared,
            directory=directory,
            enrolments=factors,
            recovery=recovery,
            waiting=waiting_recoveries,
            clocks=preferences,
            notices=notices,
            throttle=throttle,
            issuer=parts.issuer,
            wait_hours=parts.settings.idp.recovery_wait,
        ),
        "recover_stop": StopPage(shared, ways_back=ways_back(parts), clocks=preferences, notices=notices),
        "recover_code": ResetCodePage(
            shared, directory=directory, resets=assisted_resets, recovery=recovery, throttle=throttle
        ),
        "recover_password": NewPasswordPage(
            shared,
            directory=directory,
            locks=directory,
            rules=rules,
            change=change,
            enrolments=factors,
            addresses=proven_addresses,
            proof=SecondProof(typed_codes, text_codes, passkeys, directory, parts.rules, parts.clock),
            recovery=recovery,
            notices=notices,
            ways_back=ways_back(parts),
            factors=factor_reset,
            signals=parts.signals,
            pool=parts.passwords,
            throttle=throttle,
        ),
    }


def _notices(parts: Parts) -> WayInNotices:
    return WayInNotices(parts.queue, parts.not_me, preferences, parts.valkey)
