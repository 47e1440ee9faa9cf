"""Which keys an organisation takes: attestations of a software authenticator whose maker has a real certificate."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from config.connections import Database, Transaction
from config.entropy import SystemEntropy
from config.sections.engines import Role
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors.attestation import AttestationPolicy
from idp.factors.authentication_rules import AuthenticationRules
from idp.factors.metadata import SIGNER, Metadata, read
from idp.factors.passkey import KeyNotTaken, Passkey, PasskeyRefused, RelyingParty
from idp.protocol.assurance import HOUSE
from idp.storage import factors, organisation_authentication
from tests.clock import FakeClock
from tests.idp.authenticator import BE, BS, UP, UV, SoftAuthenticator
from tests.idp.makers import Authority, Maker, MetadataService
from tests.idp.people import HOUSE as ORGANISATION
from tests.idp.people import add_person

PARTY = RelyingParty.of_issuer("http://localhost:9000", "Munjigi")
MODEL, OTHER = "2fc0579f-8113-47ea-b116-bb5a8db9202a", "ee882879-721c-4913-9775-3dfcce97072a"
MAKER = Maker(MODEL)
SERVICE = MetadataService()
ANY = AttestationPolicy(demand="attested")
OpenDatabase = Callable[[Role], Database]


@dataclass
class Models:
    """The metadata of a document."""

    document: bytes
    clock: FakeClock

    @property
    def current(self) -> Metadata:
        return read(self.document, roots=[SERVICE.root.certificate], expected_signer=SIGNER, now=self.clock.now())

    def refused_model(self, aaguid: str) -> str:
        model = self.current.models.get(aaguid)
        return model.refused(self.clock.now().astimezone(UTC).date()) if model is not None else ""


@dataclass
class Desk:
    """Registers keys under one policy."""

    idp: Database
    clock: FakeClock
    policy: AttestationPolicy = ANY
    entries: list[dict[str, Any]] = field(default_factory=lambda: [MAKER.entry(("FIDO_CERTIFIED_L2", "2025-01-01"))])
    next_update: str = "2027-01-01"
    user: UUID | None = None

    def ceremonies(self) -> PasskeyCeremonies:
        models = Models(SERVICE.document(*self.entries, next_update=self.next_update), self.clock)
        return PasskeyCeremonies(PARTY, factors, SystemEntropy(), models=models, policies=self)

    async def attestation_policies(self, tx: Transaction, user_id: UUID) -> list[AttestationPolicy]:
        return [self.policy]

    async def register(self, authenticator: SoftAuthenticator, label: str = "") -> Passkey:
        ceremonies = self.ceremonies()
        if self.user is None:
            async with self.idp.begin() as tx:
                self.user = (await add_person(tx)).id
        async with self.idp.begin() as tx:
            options = await ceremonies.offer(
                tx, user_id=self.user, login_name="m", display_name="M", bound_to="a", now=self.clock.now()
            )
            made = authenticator.create(options)
            return await ceremonies.register(
                tx, made, user_id=self.user, label=label, bound_to="a", now=self.clock.now(), otherwise="This browser"
            )

    async def refused(self, authenticator: SoftAuthenticator) -> KeyNotTaken:
        with pytest.raises(KeyNotTaken) as told:
            await self.register(authenticator)
        return told.value


@pytest.fixture
def desk(database: OpenDatabase, clock: FakeClock) -> Desk:
    return Desk(database("idp"), clock)


async def test_a_key_that_its_maker_vouches_for_is_taken_and_named(desk: Desk) -> None:
    made = await desk.register(SoftAuthenticator(maker=MAKER))
    assert (made.attested, made.attestation_format, made.aaguid) == (True, "packed", MODEL)
    assert made.label == "Moonkey 5", "by its model, where nobody named it"
    assert made.amr == ("hwk", "user", "attested")
    async with desk.idp.begin() as tx:
        assert await factors.passkeys(tx, made.user_id) == [made], "it is kept so"


async def test_without_a_demand_no_browser_is_asked(desk: Desk) -> None:
    desk.policy = AttestationPolicy()
    made = await desk.register(SoftAuthenticator(maker=MAKER))
    assert (made.attested, made.attestation_format, made.amr) == (False, "none", ("hwk", "user"))
    assert made.label == "Moonkey 5", "what a key says of itself is enough for a name"


@pytest.mark.parametrize(
    ("authenticator", "why"),
    [
        (SoftAuthenticator(), "no attestation"),
        (SoftAuthenticator(maker=Maker(MODEL)), "leads to no root"),
        (SoftAuthenticator(maker=Maker(OTHER)), "does not know"),
        (SoftAuthenticator(maker=Maker(MODEL, root=MAKER.root, vouches_for=OTHER)), "another model"),
        (SoftAuthenticator(maker=Maker(OTHER, root=MAKER.root), aaguid=MODEL), "another model"),
        (SoftAuthenticator(maker=Maker(MODEL, root=MAKER.root, unit="Sales")), "no authenticator's"),
        (SoftAuthenticator(maker=Maker(MODEL, root=MAKER.root, authority=True)), "no authenticator's"),
        (
            SoftAuthenticator(maker=Maker(MODEL, root=MAKER.root, over=datetime(2026, 11, 21, tzinfo=UTC))),
            "not valid now",
        ),
    ],
)
async def test_what_proves_nothing_is_not_attested(desk: Desk, authenticator: SoftAuthenticator, why: str) -> None:
    refused = await desk.refused(authenticator)
    assert refused.why == "not_attested"
    assert why in refused.evidence.why_not


async def test_a_certificate_that_names_no_model_is_of_all_of_its_root(desk: Desk) -> None:
    made = await desk.register(SoftAuthenticator(maker=Maker(MODEL, root=MAKER.root, vouches_for="")))
    assert made.attested


async def test_a_forged_statement_is_no_registration(desk: Desk) -> None:
    forger = Maker(MODEL, root=MAKER.root)
    genuine = forger.certificate()
    forger.certificate = lambda: genuine  # type: ignore[method-assign] # somebody else's certificate, shown along
    forger.key = Maker(MODEL).key
    with pytest.raises(PasskeyRefused, match="signature"):
        await desk.register(SoftAuthenticator(maker=forger))


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (AttestationPolicy(allowed=(MODEL,)), None),
        (AttestationPolicy(allowed=(OTHER,)), "model_not_allowed"),
        (AttestationPolicy(demand="attested", denied=(MODEL,)), "model_not_allowed"),
        (AttestationPolicy(denied=(MODEL,)), "model_not_allowed"),
        (AttestationPolicy(denied=(OTHER,)), None),
        (AttestationPolicy(demand="certified", level=2), None),
        (AttestationPolicy(demand="certified", level=3), "not_certified"),
    ],
)
async def test_the_policy_chooses_among_models(desk: Desk, policy: AttestationPolicy, why: str | None) -> None:
    desk.policy = policy
    if why is None:
        assert (await desk.register(SoftAuthenticator(maker=MAKER))).attested
    else:
        assert (await desk.refused(SoftAuthenticator(maker=MAKER))).why == why


async def test_a_broken_model_is_taken_by_nobody(desk: Desk) -> None:
    desk.entries = [MAKER.entry(("USER_KEY_PHYSICAL_COMPROMISE", "2026-11-22"))]
    for desk.policy in (ANY, AttestationPolicy()):
        assert (await desk.refused(SoftAuthenticator(maker=MAKER))).why == "model_refused"


async def test_a_key_of_a_model_that_breaks_later_is_worth_less(desk: Desk) -> None:
    authenticator = SoftAuthenticator(maker=MAKER)
    made = await desk.register(authenticator)

    async def signs_in() -> tuple[str, ...]:
        ceremonies = desk.ceremonies()
        async with desk.idp.begin() as tx:
            options = await ceremonies.ask(tx, bound_to="s", now=desk.clock.now(), person=made.user_id)
            given = authenticator.get(options)
            return (await ceremonies.answer(tx, given, bound_to="s", now=desk.clock.now())).amr

    assert await signs_in() == ("hwk", "user", "attested")
    desk.entries = [MAKER.entry(("USER_KEY_PHYSICAL_COMPROMISE", "2026-11-01"))]
    assert await signs_in() == ("swk", "user"), "its key may be elsewhere, too"
    async with desk.idp.begin() as tx:
        options = await desk.ceremonies().ask(
            tx, bound_to="s", now=desk.clock.now(), person=made.user_id, counting=HOUSE.three
        )
    assert options["allowCredentials"] == []


async def test_metadata_that_is_out_of_date_vouches_for_nothing_new(desk: Desk) -> None:
    desk.next_update = "2026-11-21"
    assert (await desk.refused(SoftAuthenticator(maker=MAKER))).evidence.why_not == "the metadata is out of date"


async def test_an_attestation_key_that_leaked_vouches_for_nothing(desk: Desk) -> None:
    root = Authority()
    maker = Maker(MODEL, root=root)
    leaked = {
        "status": "ATTESTATION_KEY_COMPROMISE",
        "effectiveDate": "2026-01-01",
        "certificate": base64.b64encode(maker.certificate()).decode(),
    }
    desk.entries = [maker.entry(leaked)]
    certificate = base64.b64decode(leaked["certificate"])
    maker.certificate = lambda: certificate  # type: ignore[method-assign]
    refused = await desk.refused(SoftAuthenticator(maker=maker))
    assert (refused.why, refused.evidence.why_not) == (
        "not_attested",
        "a certificate that vouches for nothing any more",
    )
    assert (await desk.register(SoftAuthenticator(maker=Maker(MODEL, root=root)))).attested, "others of the model are"


async def test_user_verification_and_other_flags_are_looked_at_first(desk: Desk) -> None:
    with pytest.raises(PasskeyRefused, match="verif"):
        await desk.register(SoftAuthenticator(maker=MAKER, flags=UP))
    synced = await desk.register(SoftAuthenticator(maker=MAKER, flags=UP | UV | BE | BS))
    assert synced.amr == ("swk", "user"), "attested or not, a key that is synced is in no one device"


async def test_every_organisation_of_a_person_must_take_a_key(desk: Desk) -> None:
    async with desk.idp.begin() as tx:
        user = (await add_person(tx)).id
        assert await organisation_authentication.attestation_policies(tx, user) == []
        rules = AuthenticationRules(attestation=AttestationPolicy(allowed=(OTHER,)), version=1)
        assert await organisation_authentication.put_authentication_rules(tx, ORGANISATION, rules, desk.clock.now())
        assert await organisation_authentication.attestation_policies(tx, user) == [rules.attestation]
        assert await organisation_authentication.authentication_rules(tx, ORGANISATION) == rules
        assert not await organisation_authentication.put_authentication_rules(tx, ORGANISATION, rules, desk.clock.now())
