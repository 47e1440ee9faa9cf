"""The services behind the gateway, and the policy service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr, model_validator

from config.sections.kinds import Listen, Seconds


class ReservationSettings(BaseModel):
    shards: int = Field(default=4, ge=1, le=1024)
    """Into how many streams requests are spread, by what they ask for."""
    workers: int = Field(default=0, ge=0, le=64)
    """How many processes of their own `munjigi up` starts for deciding requests; 0: that is one of the background jobs.
    They share the streams among themselves, so more of them than `shards` stand by."""
    batch: int = Field(default=1024, ge=1, le=4096)
    """How many requests one transaction decides at most."""
    hold_lifetime: Seconds = 900
    """How long what was granted is kept for its person before it must be confirmed."""


class PaymentSettings(BaseModel):
    provider: Literal["sandbox", "toss"] = "sandbox"
    """Who takes the money: the sandbox of `munjigi up`, which moves none, or Toss Payments."""
    origin: str = Field(default="", pattern=r"^(https?://[^/\s]+)?$")
    """Where people come back to from the provider's page, and where its webhooks go: the shop as browsers know it.
    Unset: `http://shop.localhost` with the port of `gateway.listen`."""
    listen: Listen = "127.0.0.1:9027"
    """Where the sandbox has its page and its API."""
    patience: Seconds = 10
    """How long the provider may take to answer before what it did counts as unknown."""
    account: str = "연습은행 000-0000-0000"
    """Where people who pay by bank transfer send the money: the bank and the number, as they read it."""
    toss_api: str = Field(default="https://api.tosspayments.com", pattern=r"^https?://[^/\s]+$")
    """Where the API of Toss Payments is."""
    toss_script: str = Field(default="https://js.tosspayments.com/v2/standard", pattern=r"^https?://[^/\s]+/[^\s]*$")
    """Where the script is that opens the payment window in people's browsers, version 2."""
    toss_client_key: str = ""
    """The client key (`test_ck_…`, `live_ck_…`), which the script in people's browsers shows."""
    toss_secret_key: SecretStr | None = None
    """The secret key (`test_sk_…`, `live_sk_…`) of the same contract."""

    @model_validator(mode="after")
    def _has_the_keys_of_its_provider(self) -> Self:
        if self.provider == "toss" and not (self.toss_client_key and self.toss_secret_key):
            raise ValueError("PROVIDER toss needs TOSS_CLIENT_KEY and TOSS_SECRET_KEY")
        return self


class PolicySettings(BaseModel):
    operator: UUID = UUID("5b1d2f0c-6c0e-4c52-9a55-0d6f3c3d7a01")
    """Id of the organisation that runs this installation: its administrators alone change the policy, which is
    everybody's. Unset, it is the first one of the demo data; with people of your own, name theirs."""
    approvals: int = Field(default=1, ge=1, le=2)
    """How many people it takes to publish a policy: 2 asks for an approval of its exact content by somebody who did
    not write it. Rolling back takes one, always: it is for emergencies, and on record."""
    decisions_days: int = Field(default=7, ge=1, le=3650)
    """For how many days decisions are found by their id, and can be decided again. The record itself is kept on."""
    decisions_megabytes: int = Field(default=4096, ge=1)
    """How much all of those may take in the database, compressed; the oldest are forgotten first."""
    roles_page: str = ""
    """Where people ask for roles, for a time, as their browsers name it: `/api/policy/elevations/mine` of the console's
    host. Unset: at `http://console.localhost` with the gateway's port."""
    responses: Path | None = None
    """Which incidents are answered by which measures, TOML. Unset: the table that ships with the product."""
