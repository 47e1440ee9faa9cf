"""What `docs/how-to/use-the-session-script.md` puts into routes and pages is taken up as it says."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.routes.route_file import load_route_table
from gateway.routes.route_table import Warn, WarnBy
from tests.docs.test_examples import PROJECT, blocks

PAGE = PROJECT / "docs" / "how-to" / "use-the-session-script.md"
SCRIPT = PROJECT / "gateway" / "session_pages" / "script" / "session.js"


def test_its_route_and_zone_are_taken_up(tmp_path: Path) -> None:
    (_, route), (_, zone) = blocks(PAGE, "toml")
    file = tmp_path / "routes.toml"
    file.write_text(f'{zone}\n[upstreams.ledger]\nsocket = "/run/ledger.sock"\n\n{route}', encoding="utf-8")
    found = load_route_table(file, runtime=tmp_path, port=8080).find(b"ledger.localhost", b"/entries")
    assert found is not None
    assert found.session_script
    assert found.zone.warn == Warn(WarnBy.AFTER_IDLE, 120.0)


def test_the_script_knows_what_its_pages_say() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    include, secret, own_fetch, sign_out = (block for _, block in blocks(PAGE, "html"))
    assert include.strip() in script
    assert re.findall(r"data-[a-z-]+", secret) == ["data-munjigi-secret"]
    assert "[data-munjigi-secret]" in script
    named = re.fullmatch(r'<meta name="(\w+)" content="([\w-]+)">', own_fetch.strip())
    assert named is not None
    assert f'meta[name="{named[1]}"][content~="{named[2]}"]' in script
    assert 'method="post" action="/.munjigi/sign-out"' in sign_out
