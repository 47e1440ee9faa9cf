"""Where the policy API is and as which client it is asked, as options and the environment say."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx2
import msgspec
import typer

from policy.client import ClientCredentials, PolicyClient, SigningKey, WrongKey

ENVIRONMENT = "MJ_POLICY_"


class Connection(msgspec.Struct, frozen=True):
    """What was said on the command line, or in the environment."""

    address: str
    issuer: str
    client_id: str
    key_file: str
    secret_file: str
    secret: str
    resource: str
    ca_file: str

    def __repr__(self) -> str:
        return f"Connection({self.address!r}, {self.client_id!r})"

    def open(self) -> PolicyClient:
        """A client. Raises `typer.BadParameter` for what was not said, `FileNotFoundError` for what is not there."""
        for name in ("address", "issuer", "client_id"):
            if not getattr(self, name):
                option = name.replace("_", "-")
                raise typer.BadParameter(f"say --{option}, or set {ENVIRONMENT}{name.upper()}")
        proof = self._key() if self.key_file else self._secret()
        tokens = ClientCredentials(
            self.issuer, self.client_id, proof, resource=self.resource, http=self._http(timeout=30)
        )
        return PolicyClient(self.address, tokens, http=self._http(timeout=120))

    def _key(self) -> SigningKey:
        try:
            return SigningKey(Path(self.key_file).read_text(encoding="utf-8"))
        except (WrongKey, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"--key-file: {error}") from error

    def _secret(self) -> str:
        if self.secret_file:
            return Path(self.secret_file).read_text(encoding="utf-8").strip()
        if not self.secret:
            raise typer.BadParameter(
                f"name the client's key by --key-file; or set {ENVIRONMENT}CLIENT_SECRET, or name a file by "
                "--secret-file (what an option says, everybody on the machine can read)"
            )
        return self.secret

    def _http(self, timeout: float) -> httpx2.Client:
        trust = ssl.create_default_context(cafile=self.ca_file or None)
        return httpx2.Client(transport=_Nearby(verify=trust), timeout=timeout)


class _Nearby(httpx2.HTTPTransport):
    """Takes hosts under `.localhost` for this machine, as RFC 6761, section 6.3 has it and not every resolver does."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host.endswith(".localhost"):
            request.url = request.url.copy_with(host="127.0.0.1")  # its Host field has been made already
        return super().handle_request(request)
