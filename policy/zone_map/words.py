"""What the picture of the map says, in both languages, written and not translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pages.locale import Locale
from policy.zone_map.map import MappedBand, MappedEntry, MappedFlow, MappedZone

_Texts = Mapping[Locale, str]

TITLE: Final[_Texts] = {"en": "Zones and what flows between them", "ko": "구역과 그 사이의 흐름"}
DEMANDS: Final[_Texts] = {"en": "To enter it takes", "ko": "들어오려면"}
WHO: Final[_Texts] = {"en": "Who enters, by role", "ko": "들어오는 역할"}
ROUTES: Final[_Texts] = {"en": "Routes, and where they lead", "ko": "주소와 이어지는 서비스"}
NO_ROUTES: Final[_Texts] = {"en": "no route leads here", "ko": "이어지는 주소가 없어요"}
ROUTES_UNKNOWN: Final[_Texts] = {"en": "the route table can't be read", "ko": "경로표를 읽을 수 없어요"}
NOBODY: Final[_Texts] = {"en": "nobody: no rule allows it", "ko": "아무도 없어요: 허용하는 규칙이 없어요"}
NOT_IN_POLICY: Final[_Texts] = {
    "en": "the policy has no such zone: nobody enters",
    "ko": "정책에 없는 구역이라 아무도 들어올 수 없어요",
}
_FACTORS: Final[Mapping[int, _Texts]] = {
    0: {"en": "nothing of people", "ko": "사람에게 바라는 것 없음"},
    1: {"en": "one factor", "ko": "인증 한 가지"},
    2: {"en": "two factors or a passkey", "ko": "인증 두 가지 또는 패스키"},
    3: {"en": "a security key or a passkey of one device", "ko": "보안 키 또는 한 기기에만 있는 패스키"},
}
_DEVICES: Final[Mapping[int, _Texts]] = {
    1: {"en": "a known device", "ko": "쓰던 기기"},
    2: {"en": "a registered device", "ko": "등록된 기기"},
    3: {"en": "an attested device", "ko": "증명된 기기"},
}
_DAYS: Final[Mapping[Locale, str]] = {"en": "Mon Tue Wed Thu Fri Sat Sun", "ko": "월 화 수 목 금 토 일"}
_OUTAGES: Final[Mapping[str, _Texts]] = {
    "strict": {"en": "nobody gets in", "ko": "아무도 들어올 수 없어요"},
    "grace": {"en": "the last known state holds for {seconds} s", "ko": "마지막으로 안 상태로 {seconds}초 동안"},
    "read_only": {"en": "reading only", "ko": "읽기만"},
}


def demands(zone: MappedZone, locale: Locale) -> list[str]:
    """What it takes to enter."""
    english = locale == "en"
    said = [_FACTORS[zone.assurance][locale]]
    if zone.device in _DEVICES:
        said.append(_DEVICES[zone.device][locale])
    if zone.max_age is not None:
        minutes = -(-zone.max_age // 60)
        said.append(f"signed in within {minutes} min" if english else f"로그인한 지 {minutes}분 안")
    if zone.networks:
        names = ", ".join(zone.networks)
        said.append(f"from the networks {names}" if english else f"네트워크 {names}")
    if zone.countries:
        names = ", ".join(zone.countries)
        said.append(f"from {names}" if english else f"나라 {names}")
    if zone.hours is not None:
        first, until = zone.hours
        said.append(f"from {first}:00 to {until}:00" if english else f"{first}시부터 {until}시까지")
    if zone.weekdays:
        days = _DAYS[locale].split()
        said.append(", ".join(days[day - 1] for day in zone.weekdays))
    if zone.step_up_risk < 100 and zone.assurance < 2:
        risk = zone.step_up_risk
        said.append(f"two factors above risk {risk}" if english else f"위험 {risk} 초과면 인증 두 가지")
    if zone.max_risk < 100:
        said.append(f"risk at most {zone.max_risk}" if english else f"위험 {zone.max_risk} 이하")
    return said


def entry(role: MappedEntry, locale: Locale) -> str:
    """One role."""
    name = {
        "*": {"en": "any", "ko": "누구나"},
        "anonymous": {"en": "everybody, signed in or not", "ko": "로그인 없이도"},
    }
    said = name.get(role.role, {}).get(locale, role.role)
    does = ("changes" if role.changes else "reads") if locale == "en" else ("바꾸기까지" if role.changes else "읽기만")
    heirs = f" (+ {', '.join(role.held_by)})" if role.held_by else ""
    return f"{said}: {does}{heirs}"


def band(one: MappedBand, locale: Locale) -> str:
    """What is left above a risk."""
    left = ", ".join(one.obligations)
    whose = "" if one.role == "*" else f" ({one.role})"
    return f"above risk {one.above}: {left}{whose}" if locale == "en" else f"위험 {one.above} 초과: {left}{whose}"


def services(zone: MappedZone, locale: Locale) -> str:
    """Whose home it is."""
    names = ", ".join(zone.services)
    return f"Services: {names}" if locale == "en" else f"서비스: {names}"


def within(zone: MappedZone, locale: Locale) -> str:
    """The zone around it."""
    return f"within {zone.within}" if locale == "en" else f"{zone.within} 안"


def outage(zone: MappedZone, locale: Locale) -> str:
    """What it does while a store is away."""
    said = _OUTAGES.get(zone.outage, {"en": zone.outage, "ko": zone.outage})[locale].format(seconds=zone.grace)
    return f"While the store of sessions is away: {said}" if locale == "en" else f"세션 저장소가 멈추면: {said}"


def flow(one: MappedFlow, locale: Locale) -> str:
    """One flow."""
    methods = ", ".join("any method" if method == "*" and locale == "en" else method for method in one.methods)
    if locale == "en":
        stricter = f"; stricter in {', '.join(one.stricter_in)}" if one.stricter_in else ""
        proof = ", with a certificate" if one.certificate else ""
        return f"Services of {one.source} may call into {one.to}: {methods}{proof}{stricter}"
    stricter = f" (더 엄격한 점: {', '.join(one.stricter_in)})" if one.stricter_in else ""
    proof = ", 인증서가 있어야" if one.certificate else ""
    return f"{one.source}의 서비스가 {one.to} 안을 호출할 수 있어요: {methods}{proof}{stricter}"


def more(number: int, locale: Locale) -> str:
    """What is left out of a list."""
    return f"and {number} more" if locale == "en" else f"그 밖에 {number}개"


def about(zones: int, flows: int, version: int | None, locale: Locale) -> str:
    """The first sentence of the description."""
    if locale == "en":
        of = f" of policy version {version}" if version is not None else ""
        return f"{zones} zones{of}, {flows} flows between them."
    of = f"정책 {version}번의 " if version is not None else ""
    return f"{of}구역 {zones}개와 흐름 {flows}개."
