"""The Chinese catalog says everything that the program can say, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po

from app.kit.i18n import CATALOGS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from babel.messages.catalog import Catalog

PYBABEL = Path(sys.executable).with_name("pybabel")
FOLDERS = ("app", "templates")


def read_catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def texts(catalog: Catalog) -> set[str]:
    return {str(one.id) for one in catalog if one.id}


def fields(text: str | Sequence[str]) -> list[str]:
    """Return the names in braces, each as often as it stands there; of forms, in that for many."""
    form = text if isinstance(text, str) else text[-1]
    return sorted(name for _, name, _, _ in Formatter().parse(form) if name is not None)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Collect the marked texts of the sources, as `make translations` does."""
    found = tmp_path_factory.mktemp("texts") / "messages.pot"
    mapping = str(CATALOGS / "babel.cfg")
    command = [str(PYBABEL), "--quiet", "extract", "--mapping-file", mapping]
    command += ["--keywords", "message", "--output-file", str(found), *FOLDERS]
    subprocess.run(command, cwd=ROOT, check=True)
    return read_catalog(found)


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    return read_catalog(CATALOGS / "zh" / "LC_MESSAGES" / "messages.po")


def test_texts_are_found_in_every_kind_of_source(sources: Catalog) -> None:
    suffixes = {Path(path).suffix for one in sources for path, _ in one.locations}
    assert suffixes == {".py", ".html", ".md"}


def test_every_text_is_translated(sources: Catalog, chinese: Catalog) -> None:
    translated = {str(one.id) for one in chinese if one.id and one.string and not one.fuzzy}
    assert texts(sources) - translated == set()


def test_every_translation_is_of_a_text(sources: Catalog, chinese: Catalog) -> None:
    assert texts(chinese) - texts(sources) == set()
    assert list(chinese.obsolete) == []


def test_translations_keep_the_values_of_their_texts(chinese: Catalog) -> None:
    different = [
        str(one.id) for one in chinese if one.id and fields(one.id) != fields(one.string or "")
    ]
    assert different == []
