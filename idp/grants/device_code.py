"""The device grant (RFC 8628): a device asks again and again until its person has answered on another screen."""

from __future__ import annotations

from typing import ClassVar, Final

from idp.grants.approved_elsewhere import ApprovedElsewhere
from idp.grants.pending import PendingKind

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"


class DeviceCode(ApprovedElsewhere):
    """`Grant` for `DEVICE_CODE`."""

    grant_type = DEVICE_CODE
    kind: ClassVar[PendingKind] = "device"
    parameter = "device_code"
