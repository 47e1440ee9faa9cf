"""The code of whatever can be wrong while somebody proves who they are: for page, script and log.

What each code means stands in the catalogue (`pages/help/words/signin.toml`). None tells whether an account exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import structlog

NOT_TOGETHER: Final = "MJ-SIGNIN-001"
WAIT: Final = "MJ-SIGNIN-002"
WRONG_CODE: Final = "MJ-SIGNIN-003"
ONE_MORE: Final = "MJ-SIGNIN-004"
PASSKEY: Final = "MJ-SIGNIN-006"
LINK_OVER: Final = "MJ-SIGNIN-007"
NEW_PASSWORD: Final = "MJ-SIGNIN-008"  # noqa: S105 - a code
LOCKED: Final = "MJ-SIGNIN-009"
PASSWORD_CLOSED: Final = "MJ-SIGNIN-050"  # noqa: S105 - a code
NOT_REMEMBERED: Final = "MJ-SIGNIN-010"
COPIED: Final = "MJ-SIGNIN-040"
KEY_NOT_TAKEN: Final = "MJ-SIGNIN-041"
NO_TEXT: Final = "MJ-SIGNIN-031"
NOT_A_NUMBER: Final = "MJ-SIGNIN-032"
LINK: Final = "MJ-SIGNIN-033"
FORBIDDEN: Final = "MJ-SIGNIN-042"

CODES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("missing_identifier", "missing_password", "missing_current", "wrong"), NOT_TOGETHER),
    **dict.fromkeys(("wrong_password", "wrong_current"), NOT_TOGETHER),
    **dict.fromkeys(("too_many", "mail_too_soon", "mail_too_many"), WAIT),
    **dict.fromkeys(("wrong_code", "wrong_totp", "wrong_mail_code", "spent_code"), WRONG_CODE),
    **dict.fromkeys(("wrong_recovery_code", "missing_code", "wrong_reset_code"), WRONG_CODE),
    **dict.fromkeys(("passkey_refused", "wrong_passkey"), PASSKEY),
    **dict.fromkeys(
        ("too_short", "too_long", "made_of_names", "one_character", "repeats", "common", "breached"), NEW_PASSWORD
    ),
    **dict.fromkeys(("not_attested", "model_not_allowed", "model_refused", "not_certified"), KEY_NOT_TAKEN),
    "passkey_copied": COPIED,
    **dict.fromkeys(("passkey_forbidden", "forbidden"), FORBIDDEN),
    **dict.fromkeys(("wrong_text_code", "wrong_sms"), WRONG_CODE),
    **dict.fromkeys(("text_limits", "text_paused", "text_budget", "text_unavailable", "text_country"), NO_TEXT),
    **dict.fromkeys(("unreadable", "unallocated", "premium", "not_mobile", "shared"), NOT_A_NUMBER),
    **dict.fromkeys(("link_too_soon", "link_too_many"), WAIT),
    "link_digits": LINK,
    "same": NEW_PASSWORD,
    "locked": LOCKED,
    **dict.fromkeys(("password_closed", "password_closed_link"), PASSWORD_CLOSED),
    "not_remembered": NOT_REMEMBERED,
}
"""By what was wrong, as the words of the pages name it (`….fault.<what>`)."""

_log = structlog.get_logger(__name__)


def failure_code(faults: Iterable[str]) -> str:
    """The code of what was wrong, told to the log as well; empty where nothing was. The first one counts."""
    found = [fault.rpartition(".")[2] for fault in faults]
    if not found:
        return ""
    code = CODES[found[0]]
    _log.info("sign_in_problem", code=code, faults=found)
    return code
