"""Every operation of a description is asked what the description allows and what it forbids, and must keep to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

QUICKLY = (4, 200)
"""Requests in `make test`: to each operation in either manner, and raw ones. They are the same in every run: what they
find, they find for everybody."""
QUICK = pytest.param(QUICKLY[0], id="quick")
LONG = pytest.param(150, id="long", marks=pytest.mark.proof)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
Known = Mapping[str, Any]
"""Good values, by the names of parameters and fields: without them nothing gets far."""


def ask_everything(
    document: dict[str, Any],
    client: httpx2.Client,
    known: Known,
    headers: Callable[[str], Mapping[str, str]],
    examples: int,
) -> int:
    """So many requests of either kind to each operation. Returns how many were answered otherwise than by an error."""
    good = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @profile(examples)
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode), data=st.data())
            def ask(case: Case, data: st.DataObject) -> None:
                nonlocal good
                _salt(case, known, data)
                response = _send(client, case, headers(case.path))
                case.validate_response(response, checks=CHECKS)
                good += response.status_code < 400

            try:
                ask()
            except hypothesis.errors.Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # it forbids nothing
    return good


def profile(examples: int) -> hypothesis.settings:
    """Of so many examples."""
    return hypothesis.settings(
        max_examples=examples,
        derandomize=examples in QUICKLY,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def _salt(case: Case, known: Known, data: st.DataObject) -> None:
    """Nothing good, everything good that the case has room for, or everything but one thing."""
    parts = [part for part in (case.path_parameters, case.query, case.body) if isinstance(part, dict)]
    names = sorted({name for part in parts for name in part if name in known})
    good: set[str] = set(data.draw(st.sampled_from([(), names, *([n for n in names if n != one] for one in names)])))
    for part in parts:
        part.update({name: known[name] for name in good & part.keys()})


def _send(client: httpx2.Client, case: Case, headers: Mapping[str, str]) -> httpx2.Response:
    asked = requests.Request(**case.as_transport_kwargs(base_url=str(client.base_url))).prepare()
    assert asked.method is not None
    assert asked.url is not None
    asked.headers.pop("Connection", None)
    try:
        return client.request(asked.method, asked.url, headers={**asked.headers, **headers}, content=asked.body)
    except httpx2.LocalProtocolError:  # no client puts such a header on the wire
        hypothesis.reject()
