from pathlib import Path

import pytest

from pages.catalogue import Catalogue, CatalogueError


def written(folder: Path, text: str, name: str = "messages.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_message_is_said_in_the_language_asked_for(tmp_path: Path) -> None:
    catalogue = Catalogue.load(written(tmp_path, '[sign_in.title]\nko = "{app}에 로그인"\nen = "Sign in to {app}"\n'))
    assert catalogue.text("sign_in.title", "ko", app="상점") == "상점에 로그인"
    assert catalogue.text("sign_in.title", "en", app="Shop") == "Sign in to Shop"
    assert catalogue.section("sign_in", "en") == {"title": "Sign in to {app}"}


@pytest.mark.parametrize(
    "text",
    [
        '[a]\nko = "하나"\n',
        '[a]\nko = "하나"\nen = "one"\nfr = "un"\n',
        '[a]\nko = "{x} 하나"\nen = "one"\n',
        'a = "one"\n',
    ],
)
def test_a_catalogue_that_leaves_somebody_out_refuses_to_load(tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogueError):
        Catalogue.load(written(tmp_path, text))


def test_no_message_is_said_twice(tmp_path: Path) -> None:
    text = '[a]\nko = "하나"\nen = "one"\n'
    with pytest.raises(CatalogueError, match="another catalogue"):
        Catalogue.load(written(tmp_path, text), written(tmp_path, text, "more.toml"))


def test_a_message_that_nobody_wrote_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Catalogue.load(written(tmp_path, "")).text("missing", "en")
