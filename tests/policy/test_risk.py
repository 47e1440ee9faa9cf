"""The signals, one by one, and how they combine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.request import DeviceTrust, Facts
from policy.risk import device, location, network, time_of_day
from policy.risk.observation import Observation, observe
from policy.risk.score import HIGHEST, SIGNALS, score
from tests.policy.samples import FACTS
from tests.policy.strategies import facts

CALM = Observation(DeviceTrust.REGISTERED, True, True, True, True, True, True)
observations = st.builds(observe, facts, st.sampled_from([True, False, None]))


def test_nothing_odd_is_no_risk() -> None:
    assert score(observe(FACTS, True)) == (0, ())


def test_each_signal_alone() -> None:
    assert device.weigh(CALM._replace(device_trust=DeviceTrust.UNKNOWN)) == 20
    assert device.weigh(CALM._replace(same_device=False)) == 40
    assert location.weigh(CALM._replace(country_known=False)) == 5
    assert location.weigh(CALM._replace(same_country=False)) == 40
    assert location.weigh(CALM._replace(same_address=False)) == 10
    assert network.weigh(CALM._replace(network_known=False)) == 10
    assert time_of_day.weigh(CALM._replace(usual_time=False)) == time_of_day.weigh(CALM._replace(usual_time=None)) == 15


def test_a_fact_that_got_lost_counts_as_changed() -> None:
    lost = observe(replace(FACTS, country="", device_id="", address=""), True)
    assert (lost.same_country, lost.same_device, lost.same_address) == (False, False, False)


@given(observations)
def test_the_shares_add_up_to_a_risk_from_0_to_100_largest_first(observed: Observation) -> None:
    risk, shares = score(observed)
    assert 0 <= risk <= HIGHEST
    assert sum(share for _, share in shares) == risk
    assert [share for _, share in shares] == sorted((share for _, share in shares), reverse=True)
    assert risk == min(HIGHEST, sum(signal.weigh(observed) for signal in SIGNALS))


@given(facts)
def test_not_knowing_is_never_better_than_the_best_that_could_be_known(given_facts: Facts) -> None:
    for name, best in (
        ("device_trust", DeviceTrust.ATTESTED),
        ("device_id", given_facts.session_device or "d-1"),
        ("country", given_facts.session_country or "KR"),
        ("network", "office"),
        ("address", given_facts.session_address or "192.0.2.1"),
    ):
        unknown = replace(given_facts, **{name: DeviceTrust.UNKNOWN if name == "device_trust" else ""})
        assert score(observe(unknown, True))[0] >= score(observe(replace(given_facts, **{name: best}), True))[0]
