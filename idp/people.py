"""The people's part of the composition root: the pages of the login, the account, and what they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from idp.account import account_endpoints
from idp.approving import approval_endpoints, push_factor
from idp.credentials.text_guard import TextGuard
from idp.credentials.throttle import Throttle
from idp.endpoints.login.clone_alarm import CloneAlarm
from idp.endpoints.login.consent import ConsentPage
from idp.endpoints.login.counted_codes import CountedCodes
from idp.endpoints.login.enrol import EnrolPage
from idp.endpoints.login.enrol_codes import EnrolCodes
from idp.endpoints.login.enrolling import EnrolStep
from idp.endpoints.login.factor import FactorPage
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.mail_codes import MailCodes
from idp.endpoints.login.new_factors import NewFactors
from idp.endpoints.login.new_phones import NewPhones
from idp.endpoints.login.no_factor import NoFactorPage
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.sent_codes import SentCodes
from idp.endpoints.login.takeover import TakeoverPage
from idp.endpoints.login.text_codes import TextCodes
from idp.endpoints.login.typed_codes import TypedCodes
from idp.endpoints.session_status import SessionStatusEndpoint
from idp.endpoints.text_receipts import TextReceipts
from idp.factors.passkey import RelyingParty
from idp.federated import federation_endpoints
from idp.parts import Parts
from idp.routes import Endpoint
from idp.safeguards import ways_back
from idp.storage import (
    consents,
    directory,
    factors,
    logins,
    organisation_authentication,
    phones,
    preferences,
    proven_addresses,
    recovery_codes,
    text_receipts,
)
from idp.storage.one_time_codes import MAILED, TEXTED
from idp.way_in import way_in_endpoints

ISSUER_NAME = "Munjigi"


def people_endpoints(parts: Parts) -> Mapping[str, Endpoint]:
    """The pages of the login and the account, by the names of the table of routes."""
    shared = LoginPages(
        hops=parts.hops,
        logins=logins,
        clients=parts.clients,
        arrivals=parts.arrivals,
        telling=parts.telling,
        presence=parts.presence,
        pages=parts.pages,
        scope_words=parts.scope_words,
        database=parts.database,
        clock=parts.clock,
        entropy=parts.entropy,
    )
    throttle = Throttle(parts.valkey)
    notices = FactorNotices(parts.queue, preferences, parts.not_me)
    passkeys = PasskeyCeremonies(
        RelyingParty.of_issuer(parts.issuer, ISSUER_NAME),
        factors,
        parts.entropy,
        models=parts.models,
        policies=organisation_authentication,
        alarm=CloneAlarm(directory=directory, notices=notices, signals=parts.signals),
    )
    typed_codes = TypedCodes(factors, recovery_codes, parts.envelope, parts.clock)
    mail_codes = MailCodes(MAILED, proven_addresses, parts.code_digests, parts.queue, throttle, parts.entropy)
    settings = parts.settings
    text_codes = TextCodes(
        TEXTED,
        phones,
        parts.code_digests,
        parts.queue,
        TextGuard(throttle, parts.valkey, a_day=settings.texts.a_day, available=settings.texts_go_by is not None),
        parts.rules,
        parts.database,
        parts.envelope,
        parts.entropy,
        host=urlsplit(parts.issuer).hostname or "",
    )
    by_push = push_factor(parts, shared)
    new_factors = NewFactors(
        authenticators=factors,
        passkeys=passkeys,
        codes=recovery_codes,
        signals=parts.signals,
        envelope=parts.envelope,
        entropy=parts.entropy,
        clock=parts.clock,
        issuer_name=ISSUER_NAME,
    )
    new_phones = NewPhones(
        phones=phones,
        codes=text_codes,
        index=parts.phone_index,
        envelope=parts.envelope,
        entropy=parts.entropy,
        clock=parts.clock,
    )
    enrol_step = EnrolStep(
        shared=shared,
        directory=directory,
        demanding=parts.demanding,
        new_factors=new_factors,
        notices=notices,
    )
    enrol_codes = EnrolCodes(
        enrol_step, phones=new_phones, texts=text_codes, mails=mail_codes, signals=parts.signals, throttle=throttle
    )
    enrol = EnrolPage(enrol_step, passkeys=passkeys, codes=enrol_codes, throttle=throttle)
    factor = FactorPage(
        shared,
        typed_codes=typed_codes,
        counted_codes=CountedCodes(throttle),
        notices=notices,
        passkeys=passkeys,
        push=by_push,
        codes=SentCodes(mail_codes, text_codes, mail_counts=settings.idp.mail_code_counts),
        mail_code_counts=settings.idp.mail_code_counts,
    )
    return {
        **way_in_endpoints(parts, shared, throttle, passkeys, typed_codes, text_codes),
        "factor": parts.restart.around(factor),
        "factor_passkey": parts.restart.around(factor.by_passkey),
        "factor_push": parts.restart.around(by_push),
        "factor_push_state": by_push.state,
        **approval_endpoints(parts, shared, passkeys),
        "no_factor": parts.restart.around(NoFactorPage(shared)),
        "enrol": parts.restart.around(enrol),
        "enrol_passkey": parts.restart.around(enrol.by_passkey),
        "takeover": parts.restart.around(TakeoverPage(shared)),
        "consent": parts.restart.around(ConsentPage(shared, consents)),
        **account_endpoints(
            parts,
            shared,
            passkeys=passkeys,
            throttle=throttle,
            typed_codes=typed_codes,
            text_codes=text_codes,
            new_phones=new_phones,
            ways_back=ways_back(parts),
            new_factors=new_factors,
        ),
        **federation_endpoints(parts, shared, throttle),
        "text_receipts": TextReceipts(
            text_receipts,
            parts.database,
            parts.clock,
            issuer=parts.issuer,
            token=settings.texts.twilio_token if settings.texts_go_by == "twilio" else None,
        ),
        "session_status": SessionStatusEndpoint(parts.arrivals, parts.database, parts.clock),
    }
