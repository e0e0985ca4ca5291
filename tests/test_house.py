"""Rules of the house that no linter knows: floors, docstrings, broad excepts, what is committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "corpus"
# The corpus holds answers as candidates write them, a folder for each question.
MODULES = sorted(
    path
    for folder in ("app", "sandbox", "tests", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if path.parent.parent != CORPUS
)
# Where one task's failure must not end what serves all the others: nowhere else.
MAY_CATCH_ALL = {
    "app/grading/dispatch.py",
    "app/grading/pool.py",
    "app/workflows/keep_house.py",
}
# Hosts that hand out packages and images, in parts so that this file does not name them.
REGISTRIES = [
    "py" + "pi.",
    "python" + "hosted.",
    "npm" + "js.",
    "registry" + ".",
    "deb." + "debian",
]
# Folders of one person's or one machine's, not of every Linux.
PLACES = ["/" + place + "/" for place in ("work", "home")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_texts() -> dict[str, str]:
    """Return the text of every file that is committed, by its name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    paths = [ROOT / one for one in listed.split("\0") if one]
    return {
        name(path): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file()
    }


def test_floors_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_says_in_a_line_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if "migrations/versions" in name(path):
        return
    assert docstring, "no docstring"
    assert docstring.splitlines()[0].strip().endswith("."), "the first line is no sentence"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if name(path).startswith("app/")], ids=name
)
def test_nothing_is_caught_that_is_not_named(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else "everything"
        reraises = any(isinstance(one, ast.Raise) for one in ast.walk(node))
        if caught == "BaseException" and reraises:
            continue  # tidies up and lets it go on
        assert caught not in {"everything", "BaseException"}, f"line {node.lineno}"
        assert caught != "Exception" or name(path) in MAY_CATCH_ALL, f"line {node.lineno}"


def test_time_is_read_in_one_place() -> None:
    readers = re.compile(r"\b(datetime\.now|datetime\.utcnow|time\.time|date\.today)\(")
    found = {
        name(path)
        for path in MODULES
        if name(path).startswith("app/") and readers.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"app/kit/clock.py"}


def test_no_committed_file_names_a_registry_or_this_machine() -> None:
    texts = tracked_texts()
    assert len(texts) > 100
    found = [
        (file, mark)
        for file, text in texts.items()
        for mark in (*REGISTRIES, *PLACES, str(ROOT))
        if mark in text
    ]
    assert found == []
