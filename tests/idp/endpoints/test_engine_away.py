"""PostgreSQL cannot be reached for a moment: programs and people are told to ask again, and that nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.connections import open_database
from config.sections.engines import DatabaseSettings
from config.settings import Settings
from idp.app import build_application
from tests.idp.provider import Provider


async def test_it_is_said_to_be_away_and_not_to_be_broken(
    provider: Provider, settings: Settings, tmp_path: Path
) -> None:
    app = await provider.register()
    nobody = f"postgresql+asyncpg://munjigi_{{role}}@/munjigi?host={tmp_path}"
    away = open_database(settings.model_copy(update={"database": DatabaseSettings(url=nobody)}), "idp")
    cut_off = Provider(provider.parts, build_application(replace(provider.parts, database=away)))

    token = await cut_off.refresh(app, "anything")
    async with cut_off.client() as client:
        page = await client.get(app.request(), headers={"Accept": "text/html"})

    await away.dispose()
    assert (token.status_code, token.json()["code"], token.headers["retry-after"]) == (503, "MJ-WEB-002", "1")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "MJ-WEB-002" in page.text
    assert page.headers["retry-after"] == "1"
