"""The endpoints that relying apps speak to, described in OpenAPI 3.1: beside `idp.routes`, which says where they are.

`docs/reference/openapi.json` is made from it, and `tests/fuzz` asks every endpoint whatever it allows and forbids. What
people see in between, pages, is not described.
"""

from __future__ import annotations

from config.openapi import ProblemDocument
from idp.authorization.answer import RESPONSE_MODES
from idp.grants.grant_types import GRANT_TYPES
from idp.openapi_bodies import (
    BackchannelAnswer,
    ClientInformation,
    ClientMetadata,
    DeviceAnswer,
    IntrospectionAnswer,
    Keys,
    Metadata,
    Nothing,
    OAuthError,
    PushedAnswer,
    TokenAnswer,
    UserInfo,
)
from idp.openapi_words import (
    AWAY,
    CLIENT,
    DPOP,
    NONCE,
    NOT_NOW,
    PROBLEM,
    PROVEN,
    REFUSED,
    REFUSED_PROOF,
    TOO_MANY,
    Answer,
    Endpoint,
    Header,
    Parameter,
)

_UNREGISTERED = (
    Answer(400, "what is asked for may not be registered", OAuthError),
    Answer(401, "there is no token, or it is not good (RFC 6750, section 3)", OAuthError),
    Answer(404, "clients do not register themselves here", ProblemDocument),
    TOO_MANY,
    AWAY,
)
_METADATA = (Answer(200, "the metadata", Metadata),)

_ASKED = (
    Parameter("response_type", "", required=True, one_of=("code",)),
    Parameter("redirect_uri", "one of the client's, to the letter", required=True),
    Parameter("response_mode", "those that end in `jwt` are one signed JWT (JARM)", one_of=RESPONSE_MODES),
    Parameter("scope", "`openid`, and more"),
    Parameter("state", "comes back as it is"),
    Parameter("nonce", "stands in the ID token"),
    Parameter("code_challenge", "RFC 7636; an administrator may let a confidential client do without"),
    Parameter("code_challenge_method", "", one_of=("S256",)),
    Parameter("dpop_jkt", "the thumbprint of the key that the code is to be bound to (RFC 9449, section 10)"),
    Parameter("prompt", "`none`, `login`, `consent`, `select_account`"),
    Parameter("max_age", "seconds since the person proved who they are"),
    Parameter("acr_values", "how strongly they must"),
    Parameter("claims", "claims by name (OpenID Connect Core 1.0, section 5.5)"),
    Parameter("resource", "where the access token is to be good (RFC 8707)"),
    Parameter("request", "all of it as a signed object (RFC 9101)"),
    Parameter("login_hint", "a login name"),
    Parameter("id_token_hint", "an ID token of ours"),
    Parameter("ui_locales", "`ko`, `en`"),
)

ENDPOINTS = (
    Endpoint("/.well-known/openid-configuration", ("GET",), "What this provider supports", (), _METADATA),
    Endpoint("/.well-known/oauth-authorization-server", ("GET",), "The same, for OAuth clients", (), _METADATA),
    Endpoint("/jwks", ("GET",), "The keys that verify its tokens", (), (Answer(200, "the keys", Keys),)),
    Endpoint(
        "/authorize",
        ("GET", "POST"),
        "Begin a login (OpenID Connect Core 1.0, section 3.1.2)",
        (
            Parameter("client_id", "", required=True),
            *_ASKED,
            Parameter("request_uri", "of a pushed request (RFC 9126), or one that the client registered (RFC 9101)"),
        ),
        (
            Answer(200, "a page that posts itself to the client (Form Post Response Mode)"),
            Answer(303, "to a page of ours, or back to the client"),
            PROBLEM,
            TOO_MANY,
            AWAY,
        ),
    ),
    Endpoint(
        "/par",
        ("POST",),
        "Push a request for a login (RFC 9126)",
        (
            *_ASKED,
            *CLIENT,
        ),
        (Answer(201, "by what name to begin it", PushedAnswer, (NONCE,)), *REFUSED_PROOF, TOO_MANY, AWAY, NOT_NOW),
        PROVEN,
        (DPOP,),
    ),
    Endpoint(
        "/device_authorization",
        ("POST",),
        "Ask for a sign-in on another screen (RFC 8628, section 3.1)",
        (Parameter("scope", "what is wanted; otherwise all that the client registered"), *CLIENT),
        (Answer(200, "the codes, and where the person goes", DeviceAnswer), *REFUSED, TOO_MANY, AWAY, NOT_NOW),
        PROVEN,
    ),
    Endpoint(
        "/bc-authorize",
        ("POST",),
        "Ask for the sign-in of somebody who is elsewhere (OpenID Connect CIBA Core 1.0, section 7)",
        (
            Parameter("scope", "`openid`, and more"),
            Parameter("login_hint", "a login name; exactly one hint says whom to ask"),
            Parameter("id_token_hint", "an ID token that this client has of them"),
            Parameter("binding_message", "shown on both screens: 100 printable characters"),
            Parameter("requested_expiry", "seconds for which to wait, from 30 to 1800"),
            Parameter("acr_values", "how strongly they must have proved who they are"),
            Parameter("resource", "where the access token is to be good (RFC 8707)"),
            Parameter("request", "all of it as a signed object (section 7.1.1)"),
            *CLIENT,
        ),
        (Answer(200, "what to poll with", BackchannelAnswer), *REFUSED, TOO_MANY, AWAY, NOT_NOW),
        PROVEN,
    ),
    Endpoint(
        "/token",
        ("POST",),
        "Tokens (RFC 6749, section 3.2)",
        (
            Parameter("grant_type", "", required=True, one_of=GRANT_TYPES),
            Parameter("code", "for `authorization_code`"),
            Parameter("redirect_uri", "as at the authorization request"),
            Parameter("code_verifier", "RFC 7636"),
            Parameter("refresh_token", "for `refresh_token`; used once"),
            Parameter("device_code", "for the device grant (RFC 8628)"),
            Parameter("auth_req_id", "for a request behind a person's back (CIBA)"),
            Parameter("subject_token", "for an exchange (RFC 8693), with its `subject_token_type`"),
            Parameter("subject_token_type", "`urn:ietf:params:oauth:token-type:access_token`"),
            Parameter("actor_token", "who acts for the subject, with its `actor_token_type`"),
            Parameter("actor_token_type", "`urn:ietf:params:oauth:token-type:access_token`"),
            Parameter("resource", "where the access token is to be good (RFC 8707)"),
            Parameter("scope", "less than was granted"),
            *CLIENT,
        ),
        (Answer(200, "the tokens", TokenAnswer, (NONCE,)), *REFUSED_PROOF, AWAY, NOT_NOW),
        PROVEN,
        (DPOP,),
    ),
    Endpoint(
        "/userinfo",
        ("GET", "POST"),
        "Who the person is (OpenID Connect Core 1.0, section 5.3)",
        (Parameter("access_token", "in place of the header (RFC 6750, section 2.2)", in_form_alone=True),),
        (
            Answer(200, "claims", UserInfo, (NONCE,)),
            Answer(400, "the token is presented in several ways, or the form cannot be read", OAuthError),
            Answer(
                401,
                "there is no token, or it is not good (RFC 6750, section 3); of one that is bound to a key also "
                "`invalid_dpop_proof`, and `use_dpop_nonce`: make the proof again with the nonce of the header "
                "(RFC 9449, sections 7.1 and 9)",
                OAuthError,
                (Header("WWW-Authenticate", "`Bearer`, or `DPoP` with the error and the algorithms"), NONCE),
            ),
            Answer(403, "its scope does not suffice", OAuthError),
            AWAY,
            NOT_NOW,
        ),
        ("token", "bound_token"),
        (DPOP,),
    ),
    Endpoint(
        "/revoke",
        ("POST",),
        "Revoke an access token, or a refresh token with all that came of it (RFC 7009)",
        (Parameter("token", "", required=True), Parameter("token_type_hint", "is not needed"), *CLIENT),
        (Answer(200, "it is revoked, or nobody's", Nothing), *REFUSED, AWAY, NOT_NOW),
        PROVEN,
    ),
    Endpoint(
        "/introspect",
        ("POST",),
        "Whether a token is good now (RFC 7662)",
        (Parameter("token", "", required=True), Parameter("token_type_hint", "is not needed"), *CLIENT),
        (Answer(200, "what it is", IntrospectionAnswer), *REFUSED, AWAY, NOT_NOW),
        PROVEN,
    ),
    Endpoint(
        "/register",
        ("POST",),
        "Register a client (RFC 7591), where `idp.registration` lets whoever asks",
        (),
        (
            Answer(201, "what it is, its secret and its own token, told once", ClientInformation),
            *_UNREGISTERED,
        ),
        ("token", ""),
        body=ClientMetadata,
    ),
    Endpoint(
        "/register/{client_id}",
        ("GET", "PUT", "DELETE"),
        "Look at a registered client, change it, remove it (RFC 7592)",
        (),
        (
            Answer(200, "what it is", ClientInformation),
            Answer(204, "it is gone"),
            *_UNREGISTERED,
        ),
        ("token",),
        body=ClientMetadata,
    ),
    Endpoint(
        "/end-session",
        ("GET", "POST"),
        "Sign out (OpenID Connect RP-Initiated Logout 1.0)",
        (
            Parameter("id_token_hint", "an ID token of the session; without one the person is asked"),
            Parameter("client_id", "whose the address is, where there is no hint"),
            Parameter("post_logout_redirect_uri", "one of the client's, to the letter"),
            Parameter("state", "comes back as it is"),
        ),
        (
            Answer(200, "a page: it is done, or it asks"),
            Answer(303, "back to the client"),
            PROBLEM,
            AWAY,
        ),
    ),
)
"""What `munjigi reference` writes down. An endpoint that discovery names and that is missing here fails a test."""
