"""Why a sign-in at an upstream came to nothing. Each message is for the log: people are told by a code."""

from __future__ import annotations


class UpstreamProblem(Exception):
    """Something went wrong at, or on the way to, an upstream provider."""


class UpstreamRefused(UpstreamProblem):
    """It said no: at its authorization endpoint, or at its token endpoint (RFC 6749, sections 4.1.2.1 and 5.2)."""


class UpstreamUnreachable(UpstreamProblem):
    """It does not answer, answers with a fault of its own, or stands where this house does not go."""


class UpstreamUnsound(UpstreamProblem):
    """Its answer must not be believed."""
