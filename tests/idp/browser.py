"""A browser small enough for tests of the protocol: cookies, redirects, where a request comes from."""

from __future__ import annotations

from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

import httpx2


class Browser:
    """Keeps cookies as a browser does at a trustworthy origin: `Secure` ones too, on http://localhost."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, origin: str = "http://localhost:9000") -> None:
        self.client = httpx2.AsyncClient(transport=transport, base_url=origin, timeout=60)
        self.origin = origin
        self.cookies: dict[str, str] = {}
        self.address = origin

    async def get(self, url: str, **headers: str) -> httpx2.Response:
        return await self.send("GET", url, headers={"Accept": "text/html", **headers})

    async def post(self, url: str, form: dict[str, str], **headers: str) -> httpx2.Response:
        sent = {"Accept": "text/html", "Origin": self.origin, "Sec-Fetch-Site": "same-origin", **headers}
        return await self.send("POST", url, headers=sent, data=form)

    async def send(self, method: str, url: str, headers: dict[str, str], **rest: object) -> httpx2.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.client.request(
            method, url, headers={**headers, **({"Cookie": cookie} if cookie else {})}, **rest
        )
        for line in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                assert morsel["secure"]
                assert morsel["httponly"]
                assert morsel["path"] == "/"
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        self.client.cookies.clear()
        self.address = str(response.request.url)
        return response

    async def follow(self, response: httpx2.Response) -> httpx2.Response:
        """Follow redirects for as long as they stay at this origin; the address is where it stands then."""
        while response.is_redirect:
            location = response.headers["location"]
            if location.startswith("http") and not location.startswith(self.origin):
                self.address = location
                return response
            response = await self.get(location)
        return response

    def query(self) -> dict[str, str]:
        """The parameters of the address where it stands."""
        return dict(parse_qsl(urlsplit(self.address).query, keep_blank_values=True))

    async def close(self) -> None:
        await self.client.aclose()
