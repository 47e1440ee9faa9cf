"""The only dispatcher of the login: what comes next follows from what is stored, never from where a page came from.

The rules are S1 and S2 of the sessions: one live session per person; a browser whose own session lives joins it; any
other live session is met only after full authentication, from elsewhere only after a second factor, and then the person
decides. A device that was not seen with the person gives a second factor, too, and so does a sign-in that is not like
their others, whether or not a session lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from idp.authorization.login import Login
from idp.protocol.assurance import HOUSE, Counting, assurance, demanded_assurance

MAIL: Final = "email"
"""How a code or a link by mail is named in `amr`."""

DuplicateLogin = Literal["ask", "take_over"]
Enrolling = Literal["may", "must"]
"""Whether what a person is asked to set up may be put off."""
ENROLS_WITHIN = timedelta(minutes=15)
"""How long ago somebody who sets up a way to sign in may have been authenticated."""


class Step(StrEnum):
    """What the dispatcher does next; the first seven are pages."""

    SIGN_IN = "sign_in"
    FACTOR = "factor"
    NO_FACTOR = "no_factor"
    """A second factor is due, and there is nothing that this person could be asked for: they are led to help."""
    TAKEOVER = "takeover"
    CONSENT = "consent"
    NEW_PASSWORD = "new_password"  # noqa: S105 - the name of a step
    """The password that was given was leaked: the person chooses another one, or puts it off while they may."""
    ENROL = "enrol"
    """The person is led to set up what a phase of their organisation's programme asks for."""
    LINK = "link"
    """The person is asked whether an account of an upstream is to lead in from now on."""
    BEGIN_SESSION = "begin_session"
    JOIN_SESSION = "join_session"
    CODE = "code"
    REFUSED = "refused"


ASKING: Final = frozenset((Step.FACTOR, Step.NO_FACTOR, Step.TAKEOVER, Step.NEW_PASSWORD, Step.ENROL, Step.LINK))
"""Pages that somebody must answer who has signed in: `interaction_required` where none may be shown."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """The step, and for `REFUSED` the error that the client is told (OpenID Connect Core 1.0, section 3.1.2.6)."""

    step: Step
    error: (
        Literal[
            "access_denied",
            "login_required",
            "interaction_required",
            "consent_required",
            "unmet_authentication_requirements",
        ]
        | None
    ) = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the next step must know of the account that signs in."""

    user_id: UUID
    may_sign_in: bool
    """Neither locked nor closed."""
    has_factor: bool
    """A second factor that raises the assurance can be asked of this person."""
    needs_factor: bool
    """The rules of the account or its organisation demand one for every login."""
    by_mail: bool = False
    """A code by mail can be asked of them, since they have nothing better; it confirms, whether or not it raises."""
    new_device: bool = False
    """They have signed in before, and never by this browser; and the organisation asks for a factor then."""
    duplicate_login: DuplicateLogin = "ask"
    counting: Counting = HOUSE
    """Which methods their organisation lets count for which `acr`."""
    reaches: int = 2
    """The level (`idp.protocol.assurance`) that the factors of this person can raise a login to."""
    enrolled: bool = False
    """They have set up a second factor of their own, which a code by mail is not."""
    replaces: bool = False
    """Everything that they have set up is forbidden by their organisation: they set up something else at this login,
    after a code by mail, or are led to help where none can be sent."""
    enrolling: Enrolling | None = None
    """A phase of their organisation's programme asks them to set something up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """What the next step must know of a live session: the person's, or this browser's own."""

    sid: str
    user_id: UUID
    amr: tuple[str, ...]
    authenticated_at: datetime
    elsewhere: bool
    """This browser's device, or its address, is another one than the session's."""


def recognise(login: Login, own: SessionState | None, now: datetime) -> Login:
    """Take over from the browser's own live session who the person is, where the request lets it (single sign-on).

    `prompt=login` and `select_account`, a `max_age` that has passed, and an `id_token_hint` of somebody else ask for a
    new authentication instead.
    """
    if login.user_id is not None or own is None or {"login", "select_account"} & set(login.request.prompt):
        return login
    if _too_old(login, own.authenticated_at, now) or not _is_expected(login, own.user_id):
        return login
    return login.recognised(own.user_id, own.amr, own.authenticated_at, own.sid)


def next_step(
    login: Login,
    account: AccountState | None,
    live: SessionState | None,
    own: SessionState | None,
    now: datetime,
) -> NextStep:
    """Name the next step of a login that has been through `recognise` and `facing`.

    `account` is that of `login.user_id`; `live` is that account's live session, `own` the live session that this
    browser's cookie names. All three are read in one transaction.
    """
    interactive = _step(login, account, live, own, now)
    if "none" in login.request.prompt:
        if interactive.step is Step.SIGN_IN:
            return NextStep(Step.REFUSED, "login_required")
        if interactive.step in ASKING:
            return NextStep(Step.REFUSED, "interaction_required")
        if interactive.step is Step.CONSENT:
            return NextStep(Step.REFUSED, "consent_required")
    return interactive


def _step(
    login: Login,
    account: AccountState | None,
    live: SessionState | None,
    own: SessionState | None,
    now: datetime,
) -> NextStep:
    proven = _proven(login, account, live, own, now)
    if login.password_due is not None and proven.step in (Step.BEGIN_SESSION, Step.JOIN_SESSION):
        return NextStep(Step.NEW_PASSWORD)
    if account is not None and proven.step in (Step.BEGIN_SESSION, Step.JOIN_SESSION):
        enrolment = _enrolment(login, account, now, joins=proven.step is Step.JOIN_SESSION)
        if enrolment is not None:
            return NextStep(enrolment)
    if login.linking is not None and proven.step in (Step.BEGIN_SESSION, Step.JOIN_SESSION):
        return NextStep(Step.LINK)  # last of all: a new way in is given to whoever went through every other step
    return proven


def _proven(
    login: Login,
    account: AccountState | None,
    live: SessionState | None,
    own: SessionState | None,
    now: datetime,
) -> NextStep:
    if login.kept or login.given_up:
        return NextStep(Step.REFUSED, "access_denied")
    if login.user_id is None or login.authenticated_at is None:
        return NextStep(Step.SIGN_IN)
    if login.recognised_in is not None and login.linking is not None:
        return NextStep(Step.SIGN_IN)  # a session vouches for no new way in
    if login.recognised_in is not None and (own is None or own.sid != login.recognised_in):
        return NextStep(Step.SIGN_IN)  # the session that vouched for the person has ended (S3)
    if account is None or account.user_id != login.user_id or not account.may_sign_in:
        return NextStep(Step.REFUSED, "access_denied")
    if not _is_expected(login, account.user_id):
        return NextStep(Step.REFUSED, "login_required")
    if login.session is not None:
        lives = live is not None and live.sid == login.session
        if not lives or login.consent == "refused":
            return NextStep(Step.REFUSED, "access_denied")
        return NextStep(Step.CONSENT if login.consent == "due" else Step.CODE)
    if _too_old(login, login.authenticated_at, now):
        return NextStep(Step.SIGN_IN)

    if account.replaces and (replacing := _replacing(login, account, now)) is not None:
        return replacing

    # a link is a way around every first factor, so it takes what a change of the factors takes
    strong = account.needs_factor or (login.linking is not None and account.has_factor)
    lacking = lacking_level(login, account)
    if lacking or (strong and assurance(login.amr) < 2):
        if not _can_raise(login, account) or account.reaches < lacking:
            return NextStep(Step.REFUSED, "unmet_authentication_requirements")
        return NextStep(Step.FACTOR)

    if login.password_due is not None and not login.factor_passed and (account.has_factor or account.by_mail):
        return NextStep(Step.FACTOR)  # others know this password too: whoever has more to show shows it
    if live is not None and own is not None and own.sid == live.sid:
        return NextStep(Step.JOIN_SESSION)
    if (account.new_device or login.odd) and not login.factor_passed and not _mailed(login, account):
        return _confirm(account)
    if live is None:
        return NextStep(Step.BEGIN_SESSION)
    return _duplicate(login, account, live)


def _replacing(login: Login, account: AccountState, now: datetime) -> NextStep | None:
    """What comes before all else for whoever has nothing but what is forbidden; None: they may go on.

    A password alone never let them in, so it does not let anybody set up another factor in its place.
    """
    if not login.factor_passed and assurance(login.amr) < 2:
        return NextStep(Step.NO_FACTOR) if MAIL in login.amr else _confirm(account)
    enrolment = _enrolment(login, account, now, joins=False)
    return NextStep(enrolment) if enrolment is not None else None


def lacking_level(login: Login, account: AccountState) -> int:
    """The level that the client demands and this login lacks, as its organisation counts; 0: it lacks none."""
    request = login.request
    demanded = max(demanded_assurance(request.acr_values), demanded_assurance(request.essential_acr))
    return demanded if assurance(login.amr, account.counting) < demanded else 0


def _duplicate(login: Login, account: AccountState, live: SessionState) -> NextStep:
    faces_it = login.takeover_of == live.sid
    if live.elsewhere and not (faces_it and login.takeover_factor):
        return _confirm(account)
    if account.duplicate_login == "take_over" or (faces_it and login.takes_over):
        return NextStep(Step.BEGIN_SESSION)
    return NextStep(Step.TAKEOVER)


def _can_raise(login: Login, account: AccountState) -> bool:
    """Whether a second factor would make it two."""
    return account.has_factor and not _mailed(login, account)


def _mailed(login: Login, account: AccountState) -> bool:
    """Whoever has nothing better than mail came by a link that was mailed: a code by mail would show nothing more."""
    return account.by_mail and MAIL in login.amr


def _enrolment(login: Login, account: AccountState, now: datetime, *, joins: bool) -> Step | None:
    """What comes before the session of somebody who is asked to set something up; None: nothing does.

    Whoever has a factor gives it first, and nobody sets one up by an authentication of long ago (NIST SP 800-63B-4,
    section 4.1). As long as it can be put off it is asked for once in a login, and never within a session.
    """
    if account.enrolling is None or (account.enrolling == "may" and (joins or login.put_off)):
        return None
    if account.enrolled and assurance(login.amr) < 2:
        return Step.FACTOR if account.enrolling == "must" else None
    if login.authenticated_at is None or now - login.authenticated_at > ENROLS_WITHIN:
        return Step.SIGN_IN if account.enrolling == "must" else None
    return Step.ENROL


def _confirm(account: AccountState) -> NextStep:
    """A second factor, or help for whoever has none: never a way around it."""
    return NextStep(Step.FACTOR if account.has_factor or account.by_mail else Step.NO_FACTOR)


def _is_expected(login: Login, user_id: UUID) -> bool:
    """Whether this is the person whom the client's `id_token_hint` names, if it names one."""
    return login.request.expected_sub in (None, str(user_id))


def _too_old(login: Login, authenticated_at: datetime, now: datetime) -> bool:
    """Whether `max_age` has passed; an authentication of this very login is never older than the login itself."""
    max_age = login.request.max_age
    if max_age is None or authenticated_at >= login.created_at:
        return False
    return now - authenticated_at > timedelta(seconds=max_age)
