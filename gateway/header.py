"""A header field as it stands in a message."""

from __future__ import annotations

Header = tuple[bytes, bytes]
"""Its name and its value."""
