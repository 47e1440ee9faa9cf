import pytest

from pages.catalogue import Catalogue
from pages.locale import Locale
from pages.place_name import place_name
from pages.renderer import OWN


@pytest.mark.parametrize(
    ("code", "korean", "english"),
    [
        ("this machine", "이 컴퓨터", "this machine"),
        ("local network", "같은 네트워크", "local network"),
        ("KR", "대한민국", "South Korea"),
        ("US", "미국", "United States"),
        ("", "알 수 없는 곳", "unknown place"),
        ("Q9", "Q9", "Q9"),
    ],
)
def test_a_place_is_named_in_the_readers_words(code: str, korean: str, english: str) -> None:
    catalogue = Catalogue.load(OWN / "templates" / "messages.toml")
    said: dict[Locale, str] = {"ko": korean, "en": english}
    for locale, name in said.items():
        assert place_name(code, locale, catalogue) == name
