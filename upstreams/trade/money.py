"""Amounts as whole numbers of a currency's minor unit, so that nothing is ever rounded by accident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

EXPONENTS = {"KRW": 0, "JPY": 0, "USD": 2, "EUR": 2}
"""Digits after the point, ISO 4217."""


@dataclass(frozen=True, slots=True)
class Money:
    """So many minor units of one currency: 12,900 won is `Money(12900, "KRW")`, 5.00 dollars `Money(500, "USD")`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise ValueError(f"{self.currency}: its exponent is not known")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return Money(self.minor + other.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    @property
    def amount(self) -> Decimal:
        """In major units, exactly, for showing."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts in proportion to weights that sum to the whole: largest remainder, the earlier part first in a tie.

        Raises `ValueError` where there is nothing to go by: no weight, a negative one, or all zero.
        """
        whole = sum(weights)
        if whole <= 0 or min(weights) < 0:
            raise ValueError("weights are not negative, and one of them is positive")
        shares = [divmod(self.minor * weight, whole) for weight in weights]
        parts = [floor for floor, _ in shares]
        by_remainder = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))
        for index in by_remainder[: self.minor - sum(parts)]:
            parts[index] += 1
        return [Money(part, self.currency) for part in parts]
