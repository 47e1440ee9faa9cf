"""A notice to a person of the directory, in their language."""

from __future__ import annotations

from collections.abc import Mapping

from idp.directory.account import Account
from notifications.notice import Notice, NoticeKind


def notice_to(account: Account, to: str, kind: NoticeKind, facts: Mapping[str, str], correlation_id: str) -> Notice:
    """`to`: the address that it goes to, mostly the account's."""
    return Notice(
        kind=kind,
        user_id=account.id,
        to=to,
        locale=account.locale,
        name=account.display_name,
        facts=facts,
        correlation_id=correlation_id,
    )
