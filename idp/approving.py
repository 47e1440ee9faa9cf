"""Approving on another device, as a part of the composition root: who asks, who answers, and what both stand on."""

from __future__ import annotations

from collections.abc import Mapping

from idp.credentials.approval_limits import ApprovalLimits
from idp.credentials.throttle import Throttle
from idp.endpoints.approvals.behind import BehindTheBack
from idp.endpoints.approvals.live import LiveApprovals
from idp.endpoints.approvals.own_devices import OwnDevices
from idp.endpoints.approvals.page import PATH, ApprovalsPage
from idp.endpoints.approvals.subscription import SubscriptionEndpoint
from idp.endpoints.approvals.verifying import Verifying
from idp.endpoints.approvals.wanting import Wanting
from idp.endpoints.approvals.worker_script import WorkerScript
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.push_factor import PushFactor
from idp.endpoints.sign_in.by_push import PushSignIn
from idp.factors.approval_asking import ApprovalAsking
from idp.parts import STATIC, Parts
from idp.routes import Endpoint
from idp.safeguards import not_me_measures
from idp.storage import approval_devices, approval_requests, directory, pending_grants, preferences, sessions


def approval_asking(parts: Parts) -> ApprovalAsking:
    """How devices are asked."""
    return ApprovalAsking(approval_requests, parts.entropy)


def approval_limits(parts: Parts) -> ApprovalLimits:
    """How often."""
    return ApprovalLimits(Throttle(parts.valkey))


def wanting(parts: Parts) -> Wanting:
    """The side that waits."""
    return Wanting(
        asking=approval_asking(parts),
        requests=approval_requests,
        limits=approval_limits(parts),
        database=parts.database,
        valkey=parts.valkey,
    )


def push_factor(parts: Parts, shared: LoginPages) -> PushFactor:
    """The second factor of a login."""
    return PushFactor(shared, wanting=wanting(parts), issuer=parts.issuer)


def push_sign_in(parts: Parts, shared: LoginPages) -> PushSignIn:
    """A whole sign-in, where that is set."""
    return PushSignIn(
        shared,
        wanting=wanting(parts),
        directory=directory,
        throttle=Throttle(parts.valkey),
        alone=parts.settings.idp.approval_alone,
        answered_at=parts.issuer + PATH,
    )


def behind_the_back(parts: Parts) -> BehindTheBack:
    """Requests of clients on people's devices."""
    return BehindTheBack(
        requests=pending_grants,
        sessions=sessions,
        devices=approval_devices,
        asking=approval_asking(parts),
        limits=approval_limits(parts),
        database=parts.database,
        valkey=parts.valkey,
        clock=parts.clock,
    )


def own_devices_that_approve() -> OwnDevices:
    """What a browser may answer."""
    return OwnDevices(approval_devices, approval_requests)


def approval_endpoints(parts: Parts, shared: LoginPages, passkeys: PasskeyCeremonies) -> Mapping[str, Endpoint]:
    """The side that answers, by the names of the table of routes."""
    own = own_devices_that_approve()
    page = ApprovalsPage(
        shared,
        own=own,
        devices=approval_devices,
        requests=approval_requests,
        asking=approval_asking(parts),
        limits=approval_limits(parts),
        measures=not_me_measures(parts),
        behind=behind_the_back(parts),
        verifying=Verifying(parts.rules, directory, passkeys),
        clocks=preferences,
        valkey=parts.valkey,
        origin=parts.issuer,
        vapid_key=parts.vapid.public_key,
    )
    return {
        "approvals": page,
        "approval": page.one,
        "approval_answer": page.answer,
        "approvals_events": LiveApprovals(
            own=own, watch=parts.requests_watch, database=parts.database, clock=parts.clock
        ),
        "approvals_worker": WorkerScript(STATIC / "approval-worker.js", parts.pages),
        "approvals_subscription": SubscriptionEndpoint(
            own=own,
            devices=approval_devices,
            hops=parts.hops,
            envelope=parts.envelope,
            database=parts.database,
            origin=parts.issuer,
        ),
    }
