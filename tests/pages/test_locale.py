import pytest

from pages.locale import choose_locale


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "en"),
        ({"accept_language": "ko-KR,ko;q=0.9,en;q=0.8"}, "ko"),
        ({"accept_language": "en;q=0.4, ko;q=0.5"}, "ko"),
        ({"accept_language": "fr, de;q=0.9, ko;q=0.1"}, "ko"),
        ({"accept_language": "ko;q=0, en"}, "en"),
        ({"accept_language": "ko;q=x, ;;,,"}, "en"),
        ({"ui_locales": "fr ko en", "accept_language": "en"}, "ko"),
        ({"chosen": "en", "ui_locales": "ko", "accept_language": "ko"}, "en"),
        ({"chosen": "xx", "ui_locales": "ko"}, "ko"),
    ],
)
def test_the_first_known_language_wins(arguments: dict[str, str], expected: str) -> None:
    assert choose_locale(**arguments) == expected
