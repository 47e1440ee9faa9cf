"""The account's part of the composition root: the pages of `/account`, and what they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from idp.approving import approval_asking, own_devices_that_approve, wanting
from idp.credentials.throttle import Throttle
from idp.endpoints.account.approval_devices import ApprovalDevicesPage
from idp.endpoints.account.apps import AppsPage
from idp.endpoints.account.authenticator import AuthenticatorPage
from idp.endpoints.account.confirm import ConfirmPage
from idp.endpoints.account.confirm_push import ConfirmPush
from idp.endpoints.account.devices import DevicesPage
from idp.endpoints.account.door import AccountDoor
from idp.endpoints.account.factors import FactorsPage
from idp.endpoints.account.feedback import FeedbackPage
from idp.endpoints.account.history import HistoryPage
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.live_requests import LiveRequests
from idp.endpoints.account.numbers import OwnNumbers
from idp.endpoints.account.overview import OverviewPage
from idp.endpoints.account.password import PasswordPage
from idp.endpoints.account.phone import PhonePage
from idp.endpoints.account.recovery import AccountRecovery
from idp.endpoints.account.recovery_codes import RecoveryCodesPage
from idp.endpoints.account.requests import RequestsPage
from idp.endpoints.account.session import SessionPage
from idp.endpoints.account.settings import LanguagePage, NoticesPage
from idp.endpoints.account.sign_in import AccountSignIn
from idp.endpoints.device.page import DevicePage
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_factors import NewFactors
from idp.endpoints.login.new_phones import NewPhones
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.password_change import NewPasswords
from idp.endpoints.login.text_codes import TextCodes
from idp.endpoints.login.typed_codes import TypedCodes
from idp.endpoints.sign_in.ways_back import WaysBack
from idp.parts import Parts
from idp.rollout.feedback import Feedback
from idp.routes import Endpoint
from idp.storage import (
    approval_devices,
    clients,
    connected_apps,
    deliveries,
    devices,
    directory,
    factors,
    feedback,
    passwords,
    pending_grants,
    phones,
    preferences,
    recovery_codes,
    remembered,
    sessions,
    sign_in_history,
    upstream_links,
)


def account_door(parts: Parts, shared: LoginPages) -> AccountDoor:
    """Who is let in."""
    return AccountDoor(
        shared, directory=directory, enrolments=factors, preferences=preferences, rules=parts.rules, mac=parts.mac
    )


def account_letters(parts: Parts) -> Letters:
    """How they are told."""
    return Letters(parts.queue, parts.not_me, preferences, parts.valkey, parts.clock)


def account_endpoints(
    parts: Parts,
    shared: LoginPages,
    *,
    passkeys: PasskeyCeremonies,
    throttle: Throttle,
    typed_codes: TypedCodes,
    text_codes: TextCodes,
    new_phones: NewPhones,
    ways_back: WaysBack,
    new_factors: NewFactors,
) -> Mapping[str, Endpoint]:
    """The pages of the account, by the names of the table of routes."""
    door, letters = account_door(parts, shared), account_letters(parts)
    sign_in = AccountSignIn(shared, clients=clients, homes=directory, issuer=parts.issuer)
    said = Feedback(feedback, parts.envelope, parts.entropy)
    overview = OverviewPage(
        shared,
        door=door,
        factors=factors,
        passwords=passwords,
        devices=devices,
        remembered=remembered,
        history=sign_in_history,
        requests=pending_grants,
        saved_codes=recovery_codes,
        ways_back=ways_back,
        feedback=said,
        demanding=parts.demanding,
        roles_page=parts.settings.roles_page,
    )
    session = SessionPage(
        shared,
        door=door,
        letters=letters,
        one_session=parts.one_session,
        apps=connected_apps,
        remembered=remembered,
    )
    own_devices = DevicesPage(
        shared,
        door=door,
        letters=letters,
        devices=devices,
        people=sessions,
        remembered=remembered,
        history=sign_in_history,
        one_session=parts.one_session,
        signals=parts.signals,
    )
    history = HistoryPage(shared, door=door, history=sign_in_history, clients=parts.clients, not_me=parts.not_me)
    apps = AppsPage(
        shared,
        door=door,
        letters=letters,
        apps=connected_apps,
        deliveries=deliveries,
        one_session=parts.one_session,
        access_token_lifetime=timedelta(seconds=parts.settings.idp.access_token_lifetime),
        entropy=parts.entropy,
    )
    password = PasswordPage(
        shared,
        door=door,
        letters=letters,
        passwords=passwords,
        rules=NewPasswords(parts.breached),
        people=sessions,
        remembered=remembered,
        one_session=parts.one_session,
        signals=parts.signals,
        pool=parts.passwords,
        throttle=throttle,
    )
    saved_codes = RecoveryCodesPage(
        shared, door=door, letters=letters, codes=recovery_codes, new_factors=new_factors, signals=parts.signals
    )
    numbers = OwnNumbers(phones, text_codes)
    phone = PhonePage(
        shared,
        door=door,
        letters=letters,
        phones=new_phones,
        codes=text_codes,
        throttle=throttle,
        recovery_codes=saved_codes,
        signals=parts.signals,
    )
    own_factors = FactorsPage(
        shared,
        door=door,
        letters=letters,
        factors=factors,
        passkeys=passkeys,
        new_factors=new_factors,
        recovery_codes=saved_codes,
        signals=parts.signals,
        other_ways=upstream_links,
        demanded=factors,
        models=parts.models,
        numbers=numbers,
        approving=approval_devices,
        vapid_key=parts.vapid.public_key,
        origin=parts.issuer,
    )
    own_approvals = ApprovalDevicesPage(
        shared,
        door=door,
        letters=letters,
        devices=approval_devices,
        browsers=devices,
        recovery_codes=saved_codes,
        signals=parts.signals,
        envelope=parts.envelope,
        origin=parts.issuer,
    )
    authenticator = AuthenticatorPage(
        shared,
        door=door,
        letters=letters,
        new_factors=new_factors,
        throttle=throttle,
        recovery_codes=saved_codes,
    )
    by_push = ConfirmPush(shared, door=door, wanting=wanting(parts), devices=approval_devices, issuer=parts.issuer)
    confirm = ConfirmPage(
        shared,
        door=door,
        letters=letters,
        typed_codes=typed_codes,
        passwords=passwords,
        one_session=parts.one_session,
        passkeys=passkeys,
        pool=parts.passwords,
        throttle=throttle,
        rules=parts.rules,
        numbers=numbers,
        push=by_push,
        session_age=int(parts.settings.session.absolute_lifetime),
    )
    return {
        "device": DevicePage(shared, door=door, pending=pending_grants, throttle=throttle, issuer=parts.issuer),
        "account": overview,
        "account_recovery_stop": AccountRecovery(shared, door=door, letters=letters, ways_back=ways_back).stop,
        "account_sign_in": sign_in,
        "account_back": sign_in.back,
        "account_session": session,
        "account_session_end": session.end,
        "account_devices": own_devices,
        "account_device": own_devices.one,
        "account_device_rename": own_devices.rename,
        "account_device_forgotten": own_devices.forget,
        "account_device_remove": own_devices.ask_to_remove,
        "account_device_removed": own_devices.remove,
        "account_history": history,
        "account_places": history.places,
        "account_not_me": history.ask_not_me,
        "account_not_me_said": history.not_me,
        "account_apps": apps,
        "account_app": apps.ask,
        "account_app_disconnect": apps.disconnect,
        "account_requests": RequestsPage(shared, door=door, requests=pending_grants, asking=approval_asking(parts)),
        "account_requests_events": LiveRequests(
            shared, door=door, requests=pending_grants, watch=parts.requests_watch, own=own_devices_that_approve()
        ),
        "account_password": password,
        "account_factors": own_factors,
        "account_factor_rename": own_factors.rename,
        "account_factor_remove": own_factors.ask_to_remove,
        "account_factor_removed": own_factors.remove,
        "account_phone": phone,
        "account_passkey": own_factors.add_passkey,
        "account_approval_device": own_approvals.add,
        "account_approval_device_rename": own_approvals.rename,
        "account_recovery_codes": saved_codes,
        "account_authenticator": authenticator.begin,
        "account_authenticator_confirm": authenticator.confirm,
        "account_confirm": confirm,
        "account_confirm_push": confirm.by_push,
        "account_confirm_push_state": by_push.state,
        "account_confirm_passkey": confirm.by_passkey,
        "account_notices": NoticesPage(shared, door=door, preferences=preferences),
        "account_feedback": FeedbackPage(shared, door=door, feedback=said),
        "account_language": LanguagePage(shared, door=door, preferences=preferences),
    }
