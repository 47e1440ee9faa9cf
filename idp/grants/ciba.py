"""The grant of client-initiated backchannel authentication, polled (OpenID Connect CIBA Core 1.0, section 10.1)."""

from __future__ import annotations

from typing import ClassVar, Final

from idp.grants.approved_elsewhere import ApprovedElsewhere
from idp.grants.pending import PendingKind

CIBA: Final = "urn:openid:params:grant-type:ciba"


class Ciba(ApprovedElsewhere):
    """`Grant` for `CIBA`."""

    grant_type = CIBA
    kind: ClassVar[PendingKind] = "backchannel"
    parameter = "auth_req_id"
