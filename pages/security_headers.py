"""What a page tells the browser to refuse (OWASP ASVS 5.0, V3.4)."""

from __future__ import annotations

from collections.abc import Iterable


def page_headers(
    *,
    nonce: str,
    form_action: Iterable[str] = (),
    forms_here: bool = True,
    connect: Iterable[str] = (),
    own_style: bool = False,
    window: Iterable[str] = (),
) -> dict[str, str]:
    """The headers of one page.

    `form_action` names further origins where a form of this page may end up: Chromium applies the directive to the
    redirects after a submission too, so a sign-in form must name the origin of the client's redirect URI.
    `forms_here` is false for a page whose forms go elsewhere alone. `own_style` allows a `<style>` with the nonce: an
    organisation's colours. `window` names the origins of a window that somebody else's script, which has the nonce,
    opens over this page: of it alone, since that script may then do here what ours may.
    """
    theirs = tuple(window)
    policy = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}' 'strict-dynamic'",
        "style-src": f"'self' 'nonce-{nonce}'" if own_style else "'self'",
        "img-src": " ".join(("'self'", "data:", *theirs)),
        "font-src": " ".join(("'self'", *theirs)),
        "connect-src": " ".join(("'self'", *connect, *theirs)),
        "form-action": " ".join((*(["'self'"] if forms_here else []), *form_action, *theirs)),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "require-trusted-types-for": "'script'",
    }
    if theirs:
        policy["style-src"] = " ".join(("'self'", "'unsafe-inline'", *theirs))  # a window is drawn where it is opened
        policy["frame-src"] = " ".join(theirs)
        del policy["require-trusted-types-for"]  # which scripts that do not know of it cannot keep
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin" if theirs else "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups" if theirs else "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": (
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
            "publickey-credentials-get=(self), publickey-credentials-create=(self)"
        ),
    }
