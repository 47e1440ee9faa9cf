"""While code is read, nothing is collected; afterwards everything is as it was."""

from __future__ import annotations

import gc

import pytest

from config.uncollected import uncollected


def test_the_collector_rests_meanwhile() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_where_reading_fails() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()
