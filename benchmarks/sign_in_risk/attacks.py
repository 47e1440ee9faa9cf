"""Sign-ins of others with a person's password, none of which any model learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.sign_in_risk.generator import COUNTRIES, DAY, Person, World, shown
from policy.risk.sign_in.assessment import Attempt

Attack = Callable[[World, Person, float], Attempt]


def another_country(world: World, person: Person, at: float) -> Attempt:
    """A password that leaked, tried from anywhere, with a browser that is common."""
    country = world.chance.choice([one for one in COUNTRIES if one != person.country])
    network = world.of_any(country) if world.chance.random() < 0.5 else f"{country}-hosting-{world.chance.randrange(9)}"
    at = _some_time(world, at)
    return Attempt(shown(at, world.address(network), network, country, "", world.label()))


def same_country(world: World, person: Person, at: float) -> Attempt:
    """The same by somebody nearby, at an hour at which people are awake."""
    network = world.of_any(person.country)
    return Attempt(shown(at, world.address(network), network, person.country, "", world.label()))


def same_browser(world: World, person: Person, at: float) -> Attempt:
    """The same by somebody who also knows which browser the person uses."""
    network = world.of_any(person.country)
    label = person.devices[0][1]
    return Attempt(shown(at, world.address(network), network, person.country, "", label))


def stuffing(world: World, person: Person, at: float) -> Attempt:
    """The right one of several passwords that were tried in a row."""
    seen = another_country(world, person, at).seen
    return Attempt(seen, failed=world.chance.randrange(2, 6))


def stolen_cookie(world: World, person: Person, at: float) -> Attempt:
    """The cookie of the person's device, carried to another country."""
    device, label = person.devices[0]
    seen = another_country(world, person, at).seen
    return Attempt(seen._replace(device=device, label=label, browser=label.partition(" · ")[0]))


def impossible_travel(world: World, person: Person, at: float) -> Attempt:
    """Another country, minutes after the person was seen at home."""
    last = person.history[0].at if person.history else at
    return Attempt(another_country(world, person, at).seen._replace(at=last + 60 + world.chance.random() * 1800))


def insider(world: World, person: Person, at: float) -> Attempt:
    """Somebody of the same office, at their own device, at night."""
    night = at - at % DAY + 3 * 3600
    return Attempt(shown(night, person.work, person.work, person.country, "", world.label()))


ATTACKS: Final[Mapping[str, Attack]] = {
    "another country": another_country,
    "same country": same_country,
    "same country and browser": same_browser,
    "stuffing": stuffing,
    "stolen cookie": stolen_cookie,
    "impossible travel": impossible_travel,
    "insider at night": insider,
}


def _some_time(world: World, at: float) -> float:
    return at - at % DAY + world.chance.random() * DAY
