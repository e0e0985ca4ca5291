"""Every numbered attack is tried somewhere, or its module says why it cannot be."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING

import pytest

from tests.sandboxes import BACKENDS, ROOT

if TYPE_CHECKING:
    from types import ModuleType

# The letter and the numbers of each group.
GROUPS = {
    "test_a_exhaustion": range(1, 32),
    "test_b_escape": range(32, 63),
    "test_c_forgery": range(63, 87),
    "test_d_stealing": range(87, 96),
    "test_e_protocol": range(96, 107),
    "test_f_numbers": range(107, 121),
    "test_g_cleanup": range(121, 135),
}


def module_of(group: str) -> ModuleType:
    return importlib.import_module(f"tests.attacks.{group}")


def tried(module: ModuleType) -> set[int]:
    """Return the numbers of the cases that tests of the module carry."""
    return {
        number
        for name, test in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("test_")
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "case"
        for number in mark.args
    }


def test_the_groups_are_134_cases() -> None:
    assert [number for group in GROUPS.values() for number in group] == list(range(1, 135))


@pytest.mark.parametrize("group", GROUPS)
def test_every_case_of_the_group_is_accounted_for(group: str) -> None:
    module = module_of(group)
    reasons = getattr(module, "NOT_APPLICABLE", {})
    elsewhere = getattr(module, "ELSEWHERE", {})
    accounted = tried(module) | reasons.keys() | elsewhere.keys()
    assert sorted(set(GROUPS[group]) - accounted) == []
    assert sorted(accounted - set(GROUPS[group])) == []
    assert all(len(reason) > 20 for reason in reasons.values())
    assert not tried(module) & reasons.keys()


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_tried_elsewhere_is_there(group: str) -> None:
    for place in getattr(module_of(group), "ELSEWHERE", {}).values():
        file, _, test = place.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("group", GROUPS)
def test_exceptions_name_tests_that_exist(group: str) -> None:
    module = module_of(group)
    for backend, tests in getattr(module, "NOT_ON", {}).items():
        assert backend in BACKENDS
        for test, reason in tests.items():
            assert hasattr(module, test)
            assert len(reason) > 20
