"""What the endpoints of the identity provider stand on: built once a process, in one visible list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from audit import key_trail
from config.blind_index import BlindIndex
from config.clock import Clock
from config.connections import Database, Valkey
from config.entropy import Entropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.places import Places
from config.query_count import watch_queries
from config.recollection import UNVOUCHED, Recollection
from config.replays import Replays
from config.settings import Settings
from events.lease import Lease
from idp.authorization.attempts import Attempts
from idp.authorization.login_rules import LoginRules, LoginRulesCache
from idp.authorization.step_mac import StepMac
from idp.clients.cache import ClientCache
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.clients.tls_client_auth import Authorities
from idp.credentials.breached import BreachedPasswords
from idp.credentials.password import PasswordPool
from idp.devices.sign_in_history import SignInHistory
from idp.devices.sign_in_risk import SignInRisk
from idp.directory.cache import FaceCache
from idp.endpoints.account.requests_watch import RequestsWatch
from idp.endpoints.client_proofs import ClientProofs
from idp.endpoints.key_proofs import KeyProofs
from idp.endpoints.login.arrivals import Arrivals, account_of
from idp.endpoints.login.demanding import Demanding
from idp.endpoints.login.hops import Hops
from idp.endpoints.login.telling import Telling
from idp.endpoints.presence import Presence
from idp.endpoints.sign_in.restart import Restart
from idp.factors.metadata_file import MetadataFile, metadata_file
from idp.factors.one_time_code import CodeDigests
from idp.factors.sign_in_link import LinkKey
from idp.federation.offers import OfferCache
from idp.federation.question import QuestionKey
from idp.federation.targets import Targets
from idp.federation.upstream import Upstreams
from idp.person_told import PersonTold
from idp.protocol.dpop_nonce import Nonces
from idp.protocol.pairwise import PairwiseSubjects
from idp.resources.described_servers import DescribedCache
from idp.resources.scope_words import ScopeWords
from idp.rollout.in_force import PhasesInForce
from idp.routes import ASSETS, HELP
from idp.sessions.machine_sessions import MachineSessions
from idp.sessions.not_me import NotMe
from idp.sessions.one_session import OneSession
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes
from idp.sessions.signals.changes import ChangeSignals
from idp.storage import (
    attempts,
    clients,
    deliveries,
    devices,
    directory,
    known_people,
    login_rules,
    machine_sessions,
    not_me_links,
    phase_people,
    preferences,
    resource_servers,
    secrets,
    sessions,
    sign_in_history,
    sign_in_risk,
    upstream_providers,
)
from idp.tokens.keys import KeyCache
from idp.tokens.refresh_family import Successors
from jose.key_keeper import KeyKeeper
from jose.keys import KeyRing
from jose.published_keys import PublishedKeys
from jose.rotation import Schedule
from jose.storage.keys import SigningKeys
from notifications.queue import Queue
from notifications.web_push.vapid import Vapid
from pages import Assets, Pages

_ENDPOINTS = Path(__file__).parent / "endpoints"
STATIC = _ENDPOINTS / "static"
TEMPLATES = tuple(
    _ENDPOINTS / name
    for name in (
        "protocol_pages",
        "login/templates",
        "device/templates",
        "sign_in/templates",
        "upstream/templates",
        "not_me/templates",
        "approvals/templates",
        "account/templates",
        "account/templates/apps",
        "account/templates/confirm",
        "account/templates/devices",
        "account/templates/factors",
        "account/templates/feedback",
        "account/templates/history",
        "account/templates/links",
        "account/templates/password",
        "account/templates/requests",
        "account/templates/session",
        "account/templates/settings",
    )
)
"""Where the pages are; each folder has the words of its own pages in `messages.toml`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints stand on, built once a process."""

    settings: Settings
    database: Database
    valkey: Valkey
    envelope: Envelope
    clock: Clock
    entropy: Entropy
    pages: Pages
    assets: Assets
    keys: KeyCache
    key_keeper: KeyKeeper
    lease: Lease
    """Held while the relay vouches that every event was told here."""
    clients: ClientCache
    published_keys: PublishedKeys
    client_proofs: ClientProofs
    key_proofs: KeyProofs
    mac: StepMac
    successors: Successors
    subject_identifiers: SubjectIdentifiers
    hops: Hops
    one_session: OneSession
    signals: ChangeSignals
    machines: MachineSessions
    arrivals: Arrivals
    rules: LoginRulesCache
    models: MetadataFile
    """What is known of models of passkeys."""
    phases_in_force: PhasesInForce
    demanding: Demanding
    places: Places
    code_digests: CodeDigests
    phone_index: BlindIndex
    link_key: LinkKey
    queue: Queue
    not_me: NotMe
    telling: Telling
    faces: FaceCache
    presence: Presence
    restart: Restart
    passwords: PasswordPool
    breached: BreachedPasswords
    outbound: Outbound
    offers: OfferCache
    described: DescribedCache
    scope_words: ScopeWords
    upstreams: Upstreams
    question_key: QuestionKey
    requests_watch: RequestsWatch
    vapid: Vapid

    @property
    def issuer(self) -> str:
        return self.settings.idp.issuer


def _origins(settings: Settings) -> tuple[str, ...]:
    """How clients may name the endpoints."""
    return tuple(origin for origin in (settings.idp.issuer, settings.idp.mtls_origin) if origin)


async def build_parts(settings: Settings, database: Database, valkey: Valkey, clock: Clock, entropy: Entropy) -> Parts:
    """Build everything; makes the signing key and the shared secrets where there are none."""
    watch_queries(database)
    envelope = Envelope.load(settings)
    signing_keys = SigningKeys(envelope)
    async with database.begin() as tx:
        now = clock.now()
        await signing_keys.ensure_active(tx, "token", now)
        mac = StepMac(await secrets.ensure(tx, "step-mac", envelope, entropy, now))
        successors = Successors(await secrets.ensure(tx, "refresh-successors", envelope, entropy, now))
        pairwise = PairwiseSubjects(await secrets.ensure(tx, "pairwise-subjects", envelope, entropy, now))
        question_key = QuestionKey(await secrets.ensure(tx, "upstream-questions", envelope, entropy, now))
        nonces = Nonces(await secrets.ensure(tx, "dpop-nonces", envelope, entropy, now))
        phone_index = BlindIndex(await secrets.ensure(tx, "phone-numbers", envelope, entropy, now))
        link_key = LinkKey(await secrets.ensure(tx, "sign-in-links", envelope, entropy, now))
        vapid = Vapid.of(settings, await secrets.ensure(tx, "vapid", envelope, entropy, now))
        code_digests = CodeDigests(await secrets.ensure(tx, "one-time-codes", envelope, entropy, now))

    async def load_ring() -> KeyRing:
        async with database.connect() as tx:
            return await signing_keys.load_ring(tx, "token")

    keys = KeyCache(load_ring)
    await keys.reload()
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    queue, not_me = Queue(envelope, clock, entropy), NotMe(not_me_links, entropy, settings.idp.issuer)
    person_told = PersonTold(directory=directory, preferences=preferences, not_me=not_me, queue=queue)
    one_session = OneSession(sessions, times, clock, entropy, (RelyingParties(deliveries, entropy), person_told))
    signals = ChangeSignals(deliveries, clock, entropy)
    lease = Lease(UNVOUCHED)
    rules = LoginRulesCache(
        login_rules,
        clock,
        lease,
        otherwise=LoginRules(
            settings.session.duplicate_login,
            settings.session.new_device_factor,
            text_countries=settings.texts.countries,
            sign_in_links=settings.idp.sign_in_links,
        ),
    )
    models = metadata_file(settings, clock)
    await models.look()
    phases_in_force = PhasesInForce(phase_people, clock, lease)
    demanding = Demanding(phases_in_force, phase_people, rules, texts=settings.texts_go_by is not None)
    assets = Assets(STATIC, base=ASSETS)
    pages = Pages(*TEMPLATES, assets=assets, help_at=HELP, account_of=account_of)
    client_cache = ClientCache(clients, database, clock, lease)
    described = DescribedCache(
        resource_servers, database, clock, lease, strict=settings.idp.require_described_resources
    )
    origins = _origins(settings)
    assertions, dpop_proofs = Replays(valkey, "assertion"), Replays(valkey, "dpop")
    for replays in (assertions, dpop_proofs):
        await replays.begin(clock.timestamp())
    outbound = Outbound.of(settings)
    published_keys = PublishedKeys(outbound.fetch, clock)
    authorities = settings.idp.client_certificate_authorities
    faces = FaceCache(directory, database, clock, lease)
    presence = Presence(faces, settings.support, settings.idp.issuer)
    return Parts(
        settings=settings,
        database=database,
        valkey=valkey,
        envelope=envelope,
        clock=clock,
        entropy=entropy,
        pages=pages,
        assets=assets,
        keys=keys,
        key_keeper=KeyKeeper("token", signing_keys, Schedule.of(settings), key_trail.tell),
        lease=lease,
        clients=client_cache,
        published_keys=published_keys,
        client_proofs=ClientProofs(
            issuer=settings.idp.issuer,
            addresses=[f"{origin}/token" for origin in origins],
            keys=published_keys,
            authorities=Authorities.read(authorities) if authorities is not None else None,
            replays=assertions,
            clock=clock,
        ),
        key_proofs=KeyProofs(
            origins=origins,
            nonces=nonces,
            replays=dpop_proofs,
            clock=clock,
            nonce_required=settings.idp.dpop_nonce_required,
        ),
        mac=mac,
        successors=successors,
        subject_identifiers=SubjectIdentifiers(pairwise),
        hops=Hops(mac, settings.idp.issuer),
        one_session=one_session,
        signals=signals,
        machines=MachineSessions(machine_sessions, clock, entropy, absolute_lifetime=times.absolute_lifetime),
        arrivals=Arrivals(
            people=known_people,
            rules=rules,
            demanding=demanding,
            devices=devices,
            sessions=sessions,
            one_session=one_session,
            signals=signals,
            risk=SignInRisk(sign_in_risk, Recollection(clock)),
            factor_from_risk=settings.session.factor_from_risk,
            entropy=entropy,
            mail_code_counts=settings.idp.mail_code_counts,
            session_age=int(settings.session.absolute_lifetime),
        ),
        rules=rules,
        models=models,
        phases_in_force=phases_in_force,
        demanding=demanding,
        places=Places.load(settings),
        code_digests=code_digests,
        phone_index=phone_index,
        link_key=link_key,
        queue=queue,
        not_me=not_me,
        telling=Telling(
            attempts=Attempts(attempts, preferences, not_me, queue),
            queue=queue,
            wishes=preferences,
            addresses=not_me,
            valkey=valkey,
            history=SignInHistory(sign_in_history, clock, entropy),
        ),
        faces=faces,
        presence=presence,
        restart=Restart(client_cache, presence, pages),
        passwords=PasswordPool(settings.idp.password_threads),
        breached=BreachedPasswords.open(settings.idp.breached_passwords),
        outbound=outbound,
        offers=OfferCache(upstream_providers, database, clock, lease),
        described=described,
        scope_words=ScopeWords(described),
        upstreams=Upstreams(outbound, published_keys, Targets.of(settings.idp.issuer), envelope, clock),
        question_key=question_key,
        requests_watch=RequestsWatch(),
        vapid=vapid,
    )
