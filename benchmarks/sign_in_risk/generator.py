"""Months of sign-ins of generated people.

The shapes are those that the studies of risk-based authentication describe (Freeman et al., NDSS 2016; Wiefling et
al., TOPS 2022): how often people sign in has a heavy tail; most of it comes from one home and one mobile network, whose
addresses change; a person has one to three devices, and a new one now and then; browsers and providers follow a power
law; a few travel. The numbers are ours, and stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from policy.risk.sign_in.features import Seen

DAY: Final = 86400.0
COUNTRIES: Final = ("KR", "US", "JP", "VN", "DE", "CN", "SG", "BR", "IN", "GB", "FR", "TH", "PH", "NL", "RU", "UA")
HOME: Final = "KR"
AT_HOME: Final = 0.92
PROVIDERS: Final = 30
"""Of each country."""
LABELS: Final = tuple(
    f"{browser} · {system}"
    for browser, system in (
        ("Chrome", "Android"),
        ("Chrome", "Windows"),
        ("Safari", "iPhone"),
        ("Samsung Internet", "Android"),
        ("Edge", "Windows"),
        ("Whale", "Windows"),
        ("Safari", "macOS"),
        ("Chrome", "macOS"),
        ("KakaoTalk", "Android"),
        ("Firefox", "Windows"),
        ("Firefox", "Linux"),
        ("Opera", "Windows"),
    )
)
NEW_DEVICE: Final = 0.004
"""Of sign-ins."""
NEW_HOME_ADDRESS: Final = 0.03
JOURNEY: Final = 0.002
"""Of sign-ins: a journey abroad begins, for three to ten days."""
ELSEWHERE: Final = 0.03
"""Of sign-ins: a café, a friend, an hotel in the same country."""


@dataclass
class Person:
    """One who signs in."""

    number: int
    country: str
    home: str
    home_address: str
    mobile: str
    work: str
    devices: list[tuple[str, str]]
    each_day: float
    hours: tuple[int, ...]
    """Hours that they like."""
    away_until: float = 0.0
    away: tuple[str, str] = ("", "")
    history: list[Seen] = field(default_factory=list)
    """The newest first."""


class World:
    """People, and what they do day by day."""

    def __init__(self, people: int, seed: int) -> None:
        self.chance = Random(seed)
        self.people = [self._person(number) for number in range(people)]

    def days(self, first: int, last: int) -> Iterator[tuple[Person, Seen]]:
        """Every sign-in of some days, in order."""
        for day in range(first, last):
            due = [
                (day * DAY + self._hour(person) * 3600 + self.chance.random() * 3600, person.number)
                for person in self.people
                for _ in range(self._times(person))
            ]
            for at, number in sorted(due):
                person = self.people[number]
                yield person, self._sign_in(person, at)

    def of_any(self, country: str) -> str:
        """A provider of a country: a few have most people."""
        return f"{country}-{_zipf(self.chance, PROVIDERS)}"

    def label(self) -> str:
        """A browser, as frequent as it is."""
        return LABELS[_zipf(self.chance, len(LABELS))]

    def address(self, provider: str) -> str:
        """Somebody's address at a provider."""
        return f"{provider}/{self.chance.randrange(50_000)}"

    def _person(self, number: int) -> Person:
        chance = self.chance
        country = HOME if chance.random() < AT_HOME else chance.choice(COUNTRIES[1:])
        home = self.of_any(country)
        shift = chance.choice((0, 0, 0, 3, -3, 12))
        return Person(
            number=number,
            country=country,
            home=home,
            home_address=self.address(home),
            mobile=f"{country}-mobile-{_zipf(chance, 3)}",
            work=f"{country}-work-{_zipf(chance, 20)}",
            devices=[(f"{number}-{which}", self.label()) for which in range(chance.choice((1, 1, 2, 2, 3)))],
            each_day=min(6.0, chance.lognormvariate(-1.2, 1.0)),
            hours=tuple((hour + shift) % 24 for hour in (7, 8, 9, 9, 10, 12, 13, 15, 18, 20, 21, 22, 23)),
        )

    def _times(self, person: Person) -> int:
        whole = int(person.each_day)
        return whole + (self.chance.random() < person.each_day - whole)

    def _hour(self, person: Person) -> int:
        return self.chance.choice(person.hours) if self.chance.random() < 0.93 else self.chance.randrange(24)

    def _sign_in(self, person: Person, at: float) -> Seen:
        chance = self.chance
        if chance.random() < NEW_DEVICE:
            person.devices.insert(0, (f"{person.number}-{len(person.devices)}-{at}", self.label()))
        if chance.random() < NEW_HOME_ADDRESS:
            person.home_address = self.address(person.home)
        if at > person.away_until and chance.random() < JOURNEY:
            person.away_until = at + DAY * chance.randrange(3, 11)
            abroad = chance.choice(COUNTRIES)
            person.away = (abroad, self.of_any(abroad))
        device, label = person.devices[min(len(person.devices) - 1, _zipf(chance, len(person.devices)))]
        country = person.country
        kind = chance.random()
        if at < person.away_until:
            country, network = person.away
            address = self.address(network)
        elif kind < ELSEWHERE:
            network = self.of_any(country)
            address = self.address(network)
        elif kind < 0.3:
            network = person.mobile
            address = self.address(network)
        elif kind < 0.5:
            network = address = person.work
        else:
            network, address = person.home, person.home_address
        return shown(at, address, network, country, device, label)


def shown(at: float, address: str, network: str, country: str, device: str, label: str) -> Seen:
    """What is seen of it."""
    hour, day = int(at % DAY // 3600), int(at // DAY) % 7
    return Seen(
        at,
        address,
        network,
        country,
        device,
        label,
        label.partition(" · ")[0],
        ("w" if day >= 5 else "") + str(hour // 4),
    )


def _zipf(chance: Random, values: int) -> int:
    """0 most often, then 1, and so on."""
    weights: Sequence[float] = [1 / (rank + 1) for rank in range(values)]
    return chance.choices(range(values), weights)[0]
