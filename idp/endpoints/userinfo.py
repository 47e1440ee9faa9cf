"""The UserInfo endpoint (OpenID Connect Core 1.0, section 5.3)."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Transaction
from config.looking import Looking
from idp.clients.cache import ClientCache
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.endpoints.bearer import AccessTokens
from idp.endpoints.key_proofs import KeyProofs, NonceWanted, NotForBearers, WrongProof
from idp.endpoints.oauth_answers import NotNow, bearer_error, dpop_error, oauth_error
from idp.endpoints.parameters import FORM, Unreadable, once_each, read_form, read_query
from idp.endpoints.signed_answers import SignedAnswers
from idp.endpoints.subjects import Subjects
from idp.protocol import access_token, claims_request, scopes
from idp.tokens.issue import Subject


class UserInfoEndpoint:
    """`GET` and `POST /userinfo`; the token stands in the Authorization header, or in a posted form (RFC 6750, section
    2.2), in one of them alone and never in the query (RFC 9700, section 4.3.2)."""

    def __init__(
        self,
        *,
        tokens: AccessTokens,
        subjects: Subjects,
        clients: ClientCache,
        identifiers: SubjectIdentifiers,
        answers: SignedAnswers,
        proofs: KeyProofs,
        looking: Looking,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._subjects = subjects
        self._clients = clients
        self._identifiers = identifiers
        self._answers = answers
        self._proofs = proofs
        self._looking = looking
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        try:
            presented = await _presented(request)
        except Unreadable:
            return bearer_error(request, "invalid_request", status=400)
        if presented is None:
            return bearer_error(request, None)
        scheme, token = presented
        claims = self._tokens.claims(token)
        if claims is None:
            return bearer_error(request, "invalid_token")
        client = await self._clients.find(str(claims.get("client_id")))
        try:
            await self._proofs.of_token(request, claims, token, scheme)
        except (WrongProof, NonceWanted) as error:
            return dpop_error(request, error.error, headers=self._proofs.headers(request))
        except NotNow as error:
            return oauth_error(request, error, headers=self._proofs.headers(request))
        except NotForBearers as error:
            return (dpop_error if error.by_dpop else bearer_error)(request, "invalid_token")
        scope = scopes.split(str(claims.get("scope", "")))
        if scopes.OPENID not in scope:
            return bearer_error(request, "insufficient_scope", status=403)

        async def look(tx: Transaction) -> Subject | None:
            session = await self._tokens.live_session(tx, claims, self._clock.now())
            return await self._subjects.of(tx, session) if session is not None else None

        subject = await self._looking.run(look)
        if subject is None or client is None:
            return bearer_error(request, "invalid_token")
        sub = self._identifiers.shown(client, subject.sub)
        if sub != claims.get("sub"):
            return bearer_error(request, "invalid_token")
        asked = claims.get(access_token.USERINFO)
        shown = {
            **scopes.visible(subject.claims, scope),
            **claims_request.named(subject.claims, asked if isinstance(asked, list) else ()),
        }
        answer = self._answers.userinfo(client, {"sub": sub, **shown})
        if nonce := self._proofs.headers(request):
            answer.headers.update(nonce)
        return answer


async def _presented(request: Request) -> tuple[str, str] | None:
    """The scheme, in lower case, and the access token that is presented by it; None: there is none that counts.

    Raises `Unreadable` where it is presented in several ways.
    """
    headers = request.headers.getlist("authorization")
    posted = None
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        posted = once_each(await read_form(request)).get(_ACCESS_TOKEN)
    in_query = any(name == _ACCESS_TOKEN for name, _ in read_query(request))
    if len(headers) + (posted is not None) + in_query > 1:
        raise Unreadable("the access token is presented in several ways")
    if posted is not None:
        return "bearer", posted
    scheme, _, token = headers[0].partition(" ") if headers else ("", "", "")
    return (scheme.lower(), token.strip()) if scheme.lower() in ("bearer", "dpop") else None


_ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - a parameter, no secret
