"""Where an address is: the country and the network that it belongs to, as codes that pages put into words.

A place is a hint for people and for the policy, never a proof: networks span countries, and people use tunnels.
Everything is read into memory once; a look-up does no I/O and may happen in any thread.
"""

from __future__ import annotations

import io
import ipaddress
import lzma
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

from maxminddb import MODE_FD, InvalidDatabaseError
from maxminddb.reader import Reader

from config.settings import Settings, WrongSettings

SHIPPED = Path(__file__).parent / "shipped" / "places" / "countries.mmdb.xz"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Reading = Callable[[Mapping[str, object]], str]
THIS_MACHINE = "this machine"
LOCAL_NETWORK = "local network"

_LOCAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        *("169.254.0.0/16", "fe80::/10"),  # link-local: RFC 3927, RFC 4291 section 2.5.6
        "100.64.0.0/10",  # carrier-grade NAT: RFC 6598
        "fc00::/7",  # unique local: RFC 4193
    )
)
_COUNTRY = re.compile(r"[A-Z]{2}")
_NO_COUNTRY = frozenset(("AP", "EU", "ZZ", "XX"))
"""Regions and "unknown", which registries write in the same column; ISO 3166-1 has none of them for a country."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
NETWORK_LIMIT = 64
"""Characters of a network's name that are kept."""
_BROKEN = (InvalidDatabaseError, lzma.LZMAError, ValueError, LookupError, struct.error, RecursionError)
"""What reading broken bytes may raise, and asking a database of IPv4 alone for IPv6."""
REMEMBERED = 8192
"""Addresses whose place is kept at hand: a look-up through the tree takes some microseconds."""
_SAMPLE = 64
"""Records that are looked at to tell whether a database says what it is asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is."""

    code: str
    """`this machine`, `local network`, an ISO 3166-1 alpha-2 country, or empty where it is not known."""
    network: str
    """The name of the autonomous system that announces the address, or empty where it is not known."""


class Places:
    """What is known of addresses. Build it with `load`."""

    def __init__(self, countries: Reader, networks: Reader | None) -> None:
        self._countries = countries
        self._networks = networks
        self.find = lru_cache(maxsize=REMEMBERED)(self._find)
        """The place of one address; nothing is known of what is no address, for example a unix socket's peer."""

    @classmethod
    def load(cls, settings: Settings) -> Places:
        """Read the operator's databases, or the one of countries that ships with the product.

        Raises `WrongSettings`, naming the variable, for a file that is missing, broken, or says nothing of the kind.
        """
        countries, networks = settings.place.countries, settings.place.networks
        return cls(
            _countries(countries) if countries else shipped(),
            _opened(networks, "MUNJIGI_PLACE__NETWORKS", _network, "name of a network") if networks else None,
        )

    def _find(self, ip: str) -> Place:
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return Place("", "")
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if address.is_loopback:
            return Place(THIS_MACHINE, "")
        if any(address in network for network in _LOCAL if network.version == address.version):
            return Place(LOCAL_NETWORK, "")
        return Place(
            _country(_record(self._countries, address)),
            _network(_record(self._networks, address)) if self._networks else "",
        )


@cache
def shipped() -> Reader:
    """The countries that ship with the product, unpacked once a process: it is a tenth of a second's work."""
    return _countries(SHIPPED)


def _countries(file: Path) -> Reader:
    return _opened(file, "MUNJIGI_PLACE__COUNTRIES", _country, "country")


def _opened(file: Path, variable: str, read: Reading, wanted: str) -> Reader:
    try:
        content = file.read_bytes()
        if file.suffix == ".xz":
            content = lzma.decompress(content)
        reader = Reader(io.BytesIO(content), MODE_FD)
        if any(read(_mapping(record)) for _, record in islice(reader, _SAMPLE)):
            return reader
    except OSError as error:
        raise WrongSettings(f"{variable}: {file} cannot be read ({error.strerror}).") from error
    except _BROKEN as error:
        raise WrongSettings(f"{variable}: {file} is not a sound database in MaxMind's format ({error}).") from error
    raise WrongSettings(f"{variable}: {file} holds no {wanted} for an address.")


def _record(reader: Reader, address: Address) -> Mapping[str, object]:
    """What a database says of an address; nothing where it is for IPv4 alone, or broken at this very place."""
    try:
        return _mapping(reader.get(address))
    except _BROKEN:
        return {}


def _mapping(record: object) -> Mapping[str, object]:
    return record if isinstance(record, dict) else {}


def _country(record: Mapping[str, object]) -> str:
    """MaxMind's Country and City say `country.iso_code`, ip-location-db says `country_code`, IPinfo `country`."""
    said = record.get("country_code") or record.get("country")
    if isinstance(said, dict):
        said = said.get("iso_code")
    known = isinstance(said, str) and _COUNTRY.fullmatch(said) and said not in _NO_COUNTRY
    return str(said) if known else ""


def _network(record: Mapping[str, object]) -> str:
    """MaxMind's ASN and ip-location-db's say `autonomous_system_organization`, IPinfo `as_name` or `name`."""
    for name in ("autonomous_system_organization", "as_name", "name"):
        said = record.get(name)
        if isinstance(said, str) and (printable := _UNPRINTABLE.sub(" ", said).strip()):
            return printable[:NETWORK_LIMIT]
    return ""
