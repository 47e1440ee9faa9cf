"""What docs/how-to/look-after-products.md shows is what the service does."""

from __future__ import annotations

import json
import re

from cli.services import PROJECT
from tests.upstreams.catalogue.conftest import Ask
from upstreams.commerce.upkeep import Upkeep

PAGE = PROJECT / "docs" / "how-to" / "look-after-products.md"


async def test_the_examples_of_the_page(administrator: Ask, upkeep: Upkeep):
    blocks = re.findall(r"```http\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    asked = [one for block in blocks for one in block.strip().split("\n\n")]
    answers = {}
    for one in asked:
        line, _, body = one.partition("\n")
        method, path = line.split(" ")
        await upkeep.index()
        sent = {"json": json.loads(body)} if body else {}
        answer = await administrator(method, path, tag="*" if method == "PUT" else None, **sent)
        assert answer.status_code in (200, 201), f"{line}: {answer.text}"
        answers[path] = answer.json()
    assert len(asked) == 19
    assert answers["/api/administration/products/summer-shirt/combinations"]["skus"] == ["SUMMER-RED", "SUMMER-BLUE"]
    found = answers["/api/search?q=ㅅㅊ&o.color=blue&available=now"]["products"][0]
    assert (found["code"], found["offers"][0]["price"]) == ("summer-shirt", 31_000)
    assert answers["/api/search/suggestions?q=여르"]["suggestions"] == ["여름"]
