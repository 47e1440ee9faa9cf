"""The trail: a record of each attempt, in the transaction of what it records: neither is ever without the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import text

from config.connections import Transaction
from config.direct import Statement
from config.together import keep


class Kind(StrEnum):
    """What was attempted or happened: a closed vocabulary. Each value is stable: it stands in old records."""

    SIGN_IN_SUCCEEDED = "sign_in_succeeded"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_KEPT_OTHER = "sign_in_kept_other"
    """The person chose to keep the session that already lived."""
    SIGN_IN_ABANDONED = "sign_in_abandoned"
    SIGN_OUT = "sign_out"
    THROTTLED = "throttled"
    FACTOR_PASSED = "factor_passed"
    FACTOR_FAILED = "factor_failed"
    FACTOR_ENROLLED = "factor_enrolled"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_RENAMED = "factor_renamed"
    PASSKEY_CLONE_SUSPECTED = "passkey_clone_suspected"
    """A passkey's counter did not rise: there may be two copies of it. It is refused from then on."""
    APPROVAL_ASKED = "approval_asked"
    """Somebody's devices were asked whether a sign-in on another one is theirs."""
    APPROVAL_GIVEN = "approval_given"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_MISMATCHED = "approval_mismatched"
    """Somebody approved, and picked a number that the other screen does not show."""
    APPROVAL_NOT_ME = "approval_not_me"
    """An incident: whoever has the device says that somebody else signs in; the account is locked by it."""
    APPROVAL_REFUSED = "approval_refused"
    """An answer that counts for nothing: its signature is wrong, it comes from the browser that asks, or too late."""
    APPROVAL_WITHHELD = "approval_withheld"
    """Somebody's devices were not asked: it would have been too often."""
    TAKEOVER_ATTEMPTED = "takeover_attempted"
    TAKEOVER_COMPLETED = "takeover_completed"
    SESSION_BEGAN = "session_began"
    SESSION_ENDED = "session_ended"
    SESSION_EXTENDED = "session_extended"
    MACHINE_SESSION_BEGAN = "machine_session_began"
    """A program got its first token; the subject is its client."""
    MACHINE_SESSION_ENDED = "machine_session_ended"
    CODE_ISSUED = "code_issued"
    CODE_REPLAYED = "code_replayed"
    TOKEN_ISSUED = "token_issued"  # noqa: S105 - the name of an event
    TOKEN_REFRESHED = "token_refreshed"  # noqa: S105 - the name of an event
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of an event
    REFRESH_REUSED = "refresh_reused"
    DEVICE_ASKED = "device_asked"
    """A device without a browser asked for a code to show (RFC 8628)."""
    DEVICE_ALLOWED = "device_allowed"
    DEVICE_REFUSED = "device_refused"
    BACKCHANNEL_ASKED = "backchannel_asked"
    """A client asked behind a person's back for their sign-in (CIBA); no subject: its hint named nobody."""
    BACKCHANNEL_ALLOWED = "backchannel_allowed"
    BACKCHANNEL_REFUSED = "backchannel_refused"
    BACKCHANNEL_EXPIRED = "backchannel_expired"
    """Nobody answered in time."""
    CONSENT_GRANTED = "consent_granted"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    RECOVERY_ASKED = "recovery_asked"
    """Somebody asked for a link to get back in; one was sent."""
    PASSWORD_BREACHED = "password_breached"  # noqa: S105 - the name of an event
    """A right password was found among leaked ones for the first time."""
    RECOVERY_WAITING = "recovery_waiting"
    """Somebody who lost every factor begins to wait."""
    RECOVERY_READY = "recovery_ready"
    RECOVERY_STOPPED = "recovery_stopped"
    RECOVERY_FINISHED = "recovery_finished"
    """All factors went, and a new password came, after waiting or with two administrators."""
    RESET_ASKED = "reset_asked"
    """An administrator asked for somebody's factors to be taken away; it needs another one."""
    RESET_APPROVED = "reset_approved"
    RESET_REFUSED = "reset_refused"
    """It was refused, or withdrawn."""
    SIGN_IN_LINK_ASKED = "sign_in_link_asked"
    """Somebody asked for a link that signs in; one was sent."""
    TEXTS_ALARM = "texts_alarm"
    """Codes by text are held back, or nearly used up; the subject is a country, `alarm` says what."""
    BROWSER_REMEMBERED = "browser_remembered"
    REMEMBERED_STOLEN = "remembered_stolen"
    """A remembered browser's secret came twice: all of the person's remembered browsers fell."""
    ACCOUNT_CREATED = "account_created"
    """An account was made for whoever came from an organisation's own identity provider."""
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    DEVICE_REGISTERED = "device_registered"
    DEVICE_REMOVED = "device_removed"
    PREFERENCES_CHANGED = "preferences_changed"
    """A person changed their language, their time zone, or what they are told."""
    CLIENT_REGISTERED = "client_registered"
    CLIENT_REFUSED = "client_refused"
    CLIENT_CHANGED = "client_changed"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_ENABLED = "client_enabled"
    CLIENT_SECRET_CHANGED = "client_secret_changed"  # noqa: S105 - the name of an event
    CLIENT_REMOVED = "client_removed"
    REGISTRATION_REFUSED = "registration_refused"
    """Somebody wanted to register a client, or to look after one, and was not let."""
    INITIAL_TOKEN_ISSUED = "initial_token_issued"  # noqa: S105 - the name of an event
    INITIAL_TOKEN_REVOKED = "initial_token_revoked"  # noqa: S105 - the name of an event
    RESOURCE_CHANGED = "resource_changed"
    """An administrator added, changed or removed an API of others; `act` says which."""
    PEOPLE_IMPORTED = "people_imported"
    """A file of people of another system was begun (`act`), or is at its end; the subject is the batch."""
    PEOPLE_IMPORT_UNDONE = "people_import_undone"
    PERSON_TAKEN_OVER = "person_taken_over"
    """An organisation's old system said that a password is right: it is kept here from now on."""
    OLD_SYSTEM_CHANGED = "old_system_changed"
    PROGRAMME_CHANGED = "programme_changed"
    """Something was done to a programme that leads people out of passwords, or to a phase; `act` says what."""
    POLICY_DRAFTED = "policy_drafted"
    POLICY_EDITED = "policy_edited"
    POLICY_WITHDRAWN = "policy_withdrawn"
    """A draft was given up."""
    POLICY_APPROVED = "policy_approved"
    POLICY_APPROVAL_WITHDRAWN = "policy_approval_withdrawn"
    POLICY_SHADOW_BEGAN = "policy_shadow_began"
    """From now on live requests are decided a second time by a draft, to see what it would change."""
    POLICY_SHADOW_ENDED = "policy_shadow_ended"
    POLICY_PUBLISHED = "policy_published"
    POLICY_ROLLED_BACK = "policy_rolled_back"
    ELEVATION_ASKED = "elevation_asked"
    ELEVATION_APPROVED = "elevation_approved"
    """Somebody holds a role for a time; the subject is the elevation, its end is in the details."""
    ELEVATION_REFUSED = "elevation_refused"
    ELEVATION_WITHDRAWN = "elevation_withdrawn"
    ELEVATION_ENDED = "elevation_ended"
    """Somebody ended it before its time."""
    MEASURE_TAKEN = "measure_taken"
    """By hand or, where the actor is `response:TRIGGER`, automatically; the subject is what it is aimed at."""
    MEASURE_LIFTED = "measure_lifted"
    RATE_EXCEEDED = "rate_exceeded"
    """An address was refused again and again since a rate was used up; told once in a while, not each time."""
    ADMINISTRATION_REFUSED = "administration_refused"
    SESSION_END_ORDERED = "session_end_ordered"
    """An administrator ended somebody's session; the end itself is `session_ended`."""
    ORGANISATION_CHANGED = "organisation_changed"
    DELIVERY_RETRIED = "delivery_retried"
    SIGNAL_RECEIVED = "signal_received"
    """A shared signal of an organisation's transmitter was taken; `outcome` says what followed."""
    SIGNAL_REFUSED = "signal_refused"
    SIGNAL_TRANSMITTER_CHANGED = "signal_transmitter_changed"
    """An administrator added, changed or removed whom an organisation listens to."""
    SUPPORT_LOOKED = "support_looked"
    """Somebody of support looked at a person, to help them."""
    SUPPORT_ACTED = "support_acted"
    """Support did something for a person, or asked for it; `act` says what."""
    EXCEPTION_DECIDED = "exception_decided"
    """An administrator gave, or refused, an exception that support had asked for."""
    FEEDBACK_GIVEN = "feedback_given"
    """Somebody said how a way in was; what they said is not on record."""
    KEY_PUBLISHED = "key_published"
    """A key that will sign; the moment is in the details."""
    KEY_ACTIVATED = "key_activated"
    KEY_RETIRING = "key_retiring"
    """A key that signs no more and still verifies."""
    KEY_RETIRED = "key_retired"


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One record. Never put a secret into it: it cannot be taken out again."""

    kind: Kind
    correlation_id: str
    actor: str = ""
    """Who did it: a user id, a client id, or a service's name; empty: nobody known."""
    subject: str = ""
    """To whom or what it was done: a user id, a name as typed where there is no such user, a policy."""
    sid: str = ""
    ip: str | None = None
    details: Mapping[str, object] = {}
    """What else there is to know, small, JSON values."""


_INSERT = Statement(
    text(
        """
        INSERT INTO audit.record (kind, actor, subject, sid, ip, details, correlation_id)
        SELECT kind, actor, subject, sid, ip, details, correlation_id
        FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event (
            kind text, actor text, subject text, sid text, ip inet, details jsonb, correlation_id text
        )
        """
    )
)


async def record(tx: Transaction, event: AuditEvent) -> None:
    """Write the event within `tx`; its moment and number are the database's."""
    await keep(tx, _insert, event, atomic=True)


async def _insert(tx: Transaction, events: Sequence[AuditEvent]) -> None:
    await _INSERT.rows(tx, events=msgspec.json.encode(events).decode())
