"""What needs no decoding is read without the standard library, and alike."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from idp.endpoints.parameters import MOST, Unreadable, read_query


def query(text: str) -> Request:
    return Request({"type": "http", "query_string": text.encode(), "headers": []})


@given(st.text("ab=&;%+2 \0?#", max_size=40))
def test_it_is_what_the_standard_library_reads(text: str) -> None:
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except ValueError:
        with pytest.raises(Unreadable):
            read_query(query(text))
        return
    assert read_query(query(text)) == expected


@pytest.mark.parametrize("sign", ["", "+"])
def test_no_more_than_so_many(sign: str) -> None:
    assert len(read_query(query("&".join([f"a={sign}"] * MOST)))) == MOST
    with pytest.raises(Unreadable):
        read_query(query("&".join([f"a={sign}"] * (MOST + 1))))
