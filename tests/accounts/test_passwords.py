"""Hashes of passwords and tokens."""

from __future__ import annotations

import subprocess
import sys

import pytest
from argon2 import PasswordHasher

from app.accounts.passwords import (
    hash_password,
    hash_token,
    needs_rehash,
    new_token,
    verify_password,
)


def test_hash_costs_what_the_standard_asks_for() -> None:
    """Asked of another process: in this one hashes may have been made cheap."""
    program = "from app.accounts.passwords import hash_password; print(hash_password('words'))"
    made = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_hash_is_argon2id_with_its_own_salt() -> None:
    first, second = hash_password("the same words"), hash_password("the same words")
    assert first.startswith("$argon2id$v=19$")
    assert first != second
    assert verify_password(first, "the same words")
    assert verify_password(second, "the same words")


STORED = hash_password("the same words")


@pytest.mark.parametrize("wrong", ["", "The same words", "the same words ", "词" * 100_000])
def test_wrong_password_is_refused(wrong: str) -> None:
    assert not verify_password(STORED, wrong)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$broken"])
def test_broken_hash_lets_nobody_in(stored: str) -> None:
    assert not verify_password(stored, stored)


def test_nobody_has_no_password() -> None:
    assert not verify_password(None, "")


def test_weaker_hash_is_to_be_renewed() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("the same words")
    assert needs_rehash(weak)
    assert not needs_rehash(hash_password("the same words"))


def test_token_is_stored_only_as_its_hash() -> None:
    token = new_token()
    assert len(token) >= 43  # 256 bits
    assert token != new_token()
    assert hash_token(token) != token
    assert len(hash_token(token)) == 64
