"""Settings that only make sense together."""

from __future__ import annotations

import pytest

from config.settings import WrongSettings, load_settings


@pytest.mark.parametrize(
    ("changed", "sound"),
    [
        ({}, True),
        ({"ASK_BEFORE": "120"}, False),
        ({"ASK_BEFORE": "120.1"}, True),
        ({"ASK_BEFORE": "1800"}, False),
        ({"IDLE_TIMEOUT": "300"}, False),
        ({"IDLE_TIMEOUT": "60", "WARN_BEFORE": "10", "ASK_BEFORE": "20"}, True),
    ],
)
def test_a_page_asks_after_it_could_be_idle_and_before_it_warns(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], sound: bool
) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(f"MUNJIGI_SESSION__{name}", value)
    if sound:
        assert load_settings().session.ask_before == float(changed.get("ASK_BEFORE", 300))
    else:
        with pytest.raises(WrongSettings, match=r"MUNJIGI_SESSION: .*ASK_BEFORE \(\d+\) must be more than WARN_BEFORE"):
            load_settings()


def test_sentinels_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNJIGI_VALKEY__SENTINELS", '["10.0.0.1:26379", "10.0.0.2:26379"]')
    assert load_settings().valkey.sentinels == ("10.0.0.1:26379", "10.0.0.2:26379")
    monkeypatch.setenv("MUNJIGI_VALKEY__URL", "redis://10.0.0.1:6379")
    with pytest.raises(WrongSettings, match=r"MUNJIGI_VALKEY: .*set one of them"):
        load_settings()
