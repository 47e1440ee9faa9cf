import hashlib
import lzma
import threading
from pathlib import Path

import pytest

from config.places import NETWORK_LIMIT, SHIPPED, Place, Places
from config.sections.surroundings import PlaceSettings
from config.settings import Settings, WrongSettings
from tests.config.mmdb import written_database

KOREA_TELECOM, GOOGLE, GOOGLE_IPV6 = "168.126.63.1", "8.8.8.8", "2001:4860:4860::8888"


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load(Settings())


def with_databases(*, countries: Path | None = None, networks: Path | None = None) -> Settings:
    return Settings(place=PlaceSettings(countries=countries, networks=networks))


@pytest.mark.parametrize(
    ("ip", "code"),
    [
        ("127.0.0.1", "this machine"),
        ("127.255.0.9", "this machine"),
        ("::1", "this machine"),
        ("::ffff:127.0.0.1", "this machine"),
        ("10.0.0.1", "local network"),
        ("172.16.0.1", "local network"),
        ("172.31.255.255", "local network"),
        ("192.168.0.7", "local network"),
        ("169.254.1.1", "local network"),
        ("100.64.0.1", "local network"),
        ("100.127.255.255", "local network"),
        ("fd00::1", "local network"),
        ("fe80::1%eth0", "local network"),
        ("::ffff:10.1.2.3", "local network"),
        (KOREA_TELECOM, "KR"),
        (f"::ffff:{KOREA_TELECOM}", "KR"),
        (GOOGLE, "US"),
        (GOOGLE_IPV6, "US"),
        ("203.0.113.9", ""),
        ("172.32.0.0.1", ""),
        ("2001:db8::1", ""),
        ("0.0.0.0", ""),
        ("", ""),
        ("unix:", ""),
        ("not an address", ""),
    ],
)
def test_an_address_has_a_place(places: Places, ip: str, code: str) -> None:
    assert places.find(ip) == Place(code, "")


def test_what_ships_is_the_file_that_its_readme_names() -> None:
    digest = hashlib.sha256(lzma.decompress(SHIPPED.read_bytes())).hexdigest()
    assert digest in (SHIPPED.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"country": {"iso_code": "KR"}, "city": {"names": {"ko": "서울"}}}, "KR"),  # MaxMind City and Country
        ({"country_code": "KR"}, "KR"),  # ip-location-db
        ({"country": "KR", "asn": "AS4766"}, "KR"),  # IPinfo
    ],
)
def test_an_operators_countries_are_read_in_their_own_form(
    tmp_path: Path, record: dict[str, object], code: str
) -> None:
    file = written_database(tmp_path / "countries.mmdb", record)
    assert Places.load(with_databases(countries=file)).find("203.0.113.9").code == code


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"autonomous_system_number": 4766, "autonomous_system_organization": "Korea Telecom"}, "Korea Telecom"),
        ({"asn": "AS4766", "as_name": "Korea Telecom"}, "Korea Telecom"),
        ({"asn": "AS4766", "name": "Korea Telecom"}, "Korea Telecom"),
        ({"name": "a\r\nb\u2028c"}, "a b c"),
        ({"name": "가" * 100}, "가" * NETWORK_LIMIT),
    ],
)
def test_an_operators_networks_are_read_in_their_own_form(tmp_path: Path, record: dict[str, object], name: str) -> None:
    places = Places.load(with_databases(networks=written_database(tmp_path / "networks.mmdb", record)))
    assert places.find(KOREA_TELECOM) == Place("KR", name)
    assert places.find("127.0.0.1") == Place("this machine", "")


def test_a_database_of_ipv4_alone_knows_no_ipv6(tmp_path: Path) -> None:
    file = written_database(tmp_path / "countries.mmdb", {"country_code": "KR"}, ip_version=4)
    places = Places.load(with_databases(countries=file))
    assert places.find(KOREA_TELECOM).code == "KR"
    assert places.find(GOOGLE_IPV6) == Place("", "")


@pytest.mark.parametrize("code", ["AP", "EU", "ZZ", "kr", "KOR", "K\n"])
def test_what_is_no_country_refuses_the_start(tmp_path: Path, code: str) -> None:
    file = written_database(tmp_path / "countries.mmdb", {"country_code": code})
    with pytest.raises(WrongSettings, match=r"MUNJIGI_PLACE__COUNTRIES: .*no country"):
        Places.load(with_databases(countries=file))


def test_a_wrong_kind_of_database_refuses_the_start(tmp_path: Path) -> None:
    file = written_database(tmp_path / "countries.mmdb", {"country_code": "KR"})
    with pytest.raises(WrongSettings, match=r"MUNJIGI_PLACE__NETWORKS: .*no name of a network"):
        Places.load(with_databases(networks=file))


def test_a_missing_database_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"MUNJIGI_PLACE__COUNTRIES: .*cannot be read \(No such file"):
        Places.load(with_databases(countries=tmp_path / "none.mmdb"))
    with pytest.raises(WrongSettings, match=r"MUNJIGI_PLACE__NETWORKS: .*cannot be read"):
        Places.load(with_databases(networks=tmp_path))


def test_a_broken_database_refuses_the_start_or_knows_nothing(tmp_path: Path) -> None:
    """Each byte in turn is another one; whatever that breaks, nothing but `WrongSettings` comes out."""
    whole = written_database(tmp_path / "whole.mmdb", {"country_code": "KR"}).read_bytes()
    broken = tmp_path / "broken.mmdb"
    refused = []
    for at in range(0, len(whole), 3):
        broken.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            Places.load(with_databases(countries=broken)).find(KOREA_TELECOM)
        except WrongSettings as error:
            refused.append(str(error))
    assert refused
    assert all(message.startswith("MUNJIGI_PLACE__COUNTRIES: ") for message in refused)
    for content in (b"", whole[: len(whole) // 2], b"countries"):
        broken.write_bytes(content)
        with pytest.raises(WrongSettings, match=r"MUNJIGI_PLACE__COUNTRIES: .*not a sound database"):
            Places.load(with_databases(countries=broken))


def test_many_threads_ask_at_once(places: Places) -> None:
    wrong: list[str] = []

    def ask(ip: str, code: str) -> None:
        wrong.extend(ip for _ in range(500) if places.find(ip).code != code)

    threads = [threading.Thread(target=ask, args=pair) for pair in ((KOREA_TELECOM, "KR"), (GOOGLE, "US")) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
