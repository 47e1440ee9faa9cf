"""Receipts of texts: believed by their signature, about the message that they name, and never backwards."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from config.connections import Transaction
from notifications.texts.twilio import signature
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import Provider, running_provider
from tests.notifications.text_servers import TOKEN, twilio

REFERENCE = "SM" + "0c" * 16


async def handed_over(tx: Transaction, now: object) -> UUID:
    """A message that Twilio took."""
    ident = uuid4()
    await tx.execute(
        text(
            "INSERT INTO notifications.message (id, kind, locale, state, next_attempt_at, created_at, expires_at,"
            " finished_at, correlation_id, channel)"
            " VALUES (:id, 'sign_in_code', 'ko', 'sent', :now, :now, :now, :now, '', 'text')"
        ),
        {"id": ident, "now": now},
    )
    await tx.execute(
        text(
            "INSERT INTO notifications.handed_over (message_id, provider, reference, changed_at)"
            " VALUES (:id, 'twilio', :reference, :now)"
        ),
        {"id": ident, "reference": REFERENCE, "now": now},
    )
    return ident


async def tell(provider: Provider, ident: UUID, *, token: str = TOKEN, **form: str) -> httpx2.Response:
    """Post a receipt as Twilio does."""
    path = f"/text-messages/twilio/{ident}"
    said = {"MessageSid": REFERENCE, "AccountSid": "AC", "To": "+821012345678", **form}
    signed = signature(token, f"{provider.parts.issuer}{path}", said.items())
    async with provider.client() as client:
        headers = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded"}
        return await client.post(path, content=urlencode(said), headers=headers)


async def test_what_twilio_signed_is_kept_and_never_goes_back(provider: Provider, database: OpenDatabase) -> None:
    parts = provider.parts
    told = parts.settings.model_copy(update={"texts": twilio("http://localhost:1")})
    async with database("owner").begin() as tx:
        one, other = await handed_over(tx, parts.clock.now()), await handed_over(tx, parts.clock.now())

    async def state(ident: UUID) -> tuple[str, str]:
        async with database("owner").connect() as tx:
            query = text("SELECT state, problem FROM notifications.handed_over WHERE message_id = :id")
            row = (await tx.execute(query, {"id": ident})).one()
        return row.state, row.problem

    async with running_provider(told, parts.database, parts.valkey, parts.clock) as running:
        assert (await tell(running, one, MessageStatus="queued")).status_code == 204
        assert await state(one) == ("taken", "")
        await tell(running, one, MessageStatus="sent")
        assert await state(one) == ("sent", "")
        await tell(running, one, MessageStatus="delivered")
        await tell(running, one, MessageStatus="sent")
        await tell(running, one, MessageStatus="failed", ErrorCode="30003")
        assert await state(one) == ("delivered", "")
        await tell(running, other, MessageStatus="undelivered", ErrorCode="30003")
        assert await state(other) == ("failed", "30003")
        forged = await tell(running, one, token="another", MessageStatus="failed")
        assert forged.status_code == 403
        assert forged.json()["code"] == "MJ-IDP-150"
        assert await state(one) == ("delivered", "")


@pytest.mark.parametrize("token", ["", TOKEN])
async def test_where_twilio_carries_nothing_it_is_not_believed(provider: Provider, token: str) -> None:
    assert SecretStr(token) != provider.parts.settings.texts.twilio_token
    assert (await tell(provider, uuid4(), token=token, MessageStatus="delivered")).status_code == 403


async def test_what_is_no_receipt_is_refused(provider: Provider) -> None:
    async with provider.client() as client:
        for path, sent in (
            ("/text-messages/twilio/nothing", {"content": "a=b"}),
            (f"/text-messages/twilio/{uuid4()}", {"json": {}}),
            (f"/text-messages/twilio/{uuid4()}", {"content": "a=" + "b" * 20_000}),
        ):
            headers = {} if "json" in sent else {"Content-Type": "application/x-www-form-urlencoded"}
            assert (await client.post(path, headers=headers, **sent)).status_code == 403  # type: ignore[arg-type]
