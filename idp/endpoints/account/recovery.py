"""`/account/recovery/stop`: the person of this session stops a way back in that needs no factor."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from idp.endpoints.account.door import AccountDoor, back
from idp.endpoints.account.letters import Letters
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.sign_in.ways_back import WaysBack


class AccountRecovery:
    """Stops it: whoever holds the live session needs no other proof, since nothing is given away by it."""

    def __init__(self, shared: LoginPages, *, door: AccountDoor, letters: Letters, ways_back: WaysBack) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._ways_back = ways_back

    async def stop(self, request: Request) -> Response:
        """`POST`."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            now = self._shared.clock.now()
            await self._ways_back.stop(tx, request, person.account.id, now, "account")
        await self._letters.poke()
        return back(done="recovery_stopped")
