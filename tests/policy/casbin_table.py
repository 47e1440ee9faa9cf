"""Makes `docs/reference/casbin.md` of Casbin's own examples, by running them.

By `python -m tests.policy.casbin_table`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tests.policy.test_casbin_examples import EXAMPLES, answers_of_casbin, by_us, published, taken_over

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "casbin.md"
_HEAD: Final = """# Casbin's own examples

Made by `python -m tests.policy.casbin_table`, which runs them: each model and policy that Casbin ships as an example
and whose results its own tests name ([the data](../../tests/policy/casbin_examples.toml), from casbin/casbin and
casbin/pycasbin, Apache License 2.0), first in the stock enforcer that is our reference, then taken over into our
document ([how](../how-to/bring-a-casbin-policy.md)), compiled, and decided as every request is. What has no exact
meaning here is refused whole, by its line.

| model | policy | published results | in the reference enforcer | taken over and compiled |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    return _HEAD + "".join(_row(example) for example in EXAMPLES) + _foot()


def _row(example: dict[str, Any]) -> str:
    functions = ", ".join(f"{graph} by {name}" for graph, name in example.get("name_patterns", {}).items())
    model = example["model"] + (f" ({functions})" if functions else "")
    of = len(published(example))
    imported = taken_over(example)
    ours = f"refused: {_plain(imported)}" if isinstance(imported, str) else _count(example, by_us(example, imported))
    reference = example.get("differs") or _count(example, answers_of_casbin(example) or [])
    return f"| {model} | {example['policy'] or 'none'} | {of} | {reference} | {ours} |\n"


def _count(example: dict[str, Any], answers: list[bool]) -> str:
    same = sum(answer is expected for answer, (_, expected) in zip(answers, published(example), strict=True))
    return f"all {same}" if same == len(answers) else f"{same} of {len(answers)}"


def _plain(text: str) -> str:
    text = text.partition(": the names are")[0]
    return text.replace("|", "\\|").replace("*", "\\*").replace("{", "&#123;")


def _foot() -> str:
    taken = [example for example in EXAMPLES if not isinstance(taken_over(example), str)]
    asked = sum(len(published(example)) for example in EXAMPLES)
    return f"\n{len(EXAMPLES)} examples, {asked} results; {len(taken)} of the examples are taken over.\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
