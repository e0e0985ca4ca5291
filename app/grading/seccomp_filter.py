"""Compiles the system call profile of container engines into the program that the kernel runs.

Docker does this by itself; for bubblewrap the same library, libseccomp, does it here, so that one
file decides for both. Names and numbers of system calls are the library's.
"""

from __future__ import annotations

import ctypes
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIBRARY = "libseccomp.so.2"
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_ACTIONS = frozenset({"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"})
_OPERATORS = {
    f"SCMP_CMP_{name}": number
    for number, name in enumerate(("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"), start=1)
}


class SeccompError(Exception):
    """The profile cannot be compiled here; says why."""


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def compile_profile(path: Path) -> bytes:
    """Return the profile at `path` as a BPF program for this machine. Raises SeccompError."""
    profile = json.loads(path.read_text(encoding="utf-8"))
    library = _load()
    context = library.seccomp_init(_action(profile["defaultAction"], profile["defaultErrnoRet"]))
    if not context:
        raise SeccompError("libseccomp cannot begin a filter")
    try:
        for rule in profile["syscalls"]:
            _add(library, context, rule)
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise SeccompError(f"{LIBRARY} is missing (Debian's libseccomp2)") from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_release.restype = None
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(_Comparison),
    )
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    return library


def _action(name: str, errno: int) -> int:
    if name not in _ACTIONS:
        raise SeccompError(f"the profile has an unknown action {name!r}")
    return _ALLOW if name == "SCMP_ACT_ALLOW" else _ERRNO | errno


def _add(library: ctypes.CDLL, context: int, rule: Mapping[str, Any]) -> None:
    action = _action(rule["action"], rule.get("errnoRet", 1))
    comparisons = [
        _Comparison(one["index"], _OPERATORS[one["op"]], one["value"], one.get("valueTwo", 0))
        for one in rule.get("args", ())
    ]
    array = (_Comparison * len(comparisons))(*comparisons)
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # One that this kind of machine lacks, or that the library does not know, stays refused.
        if number < 0:
            continue
        failed = library.seccomp_rule_add_array(context, action, number, len(comparisons), array)
        if failed:
            raise SeccompError(f"the rule for {name} cannot be added: {os.strerror(-failed)}")


def _export(library: ctypes.CDLL, context: int) -> bytes:
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        if failed := library.seccomp_export_bpf(context, file.fileno()):
            raise SeccompError(f"the filter cannot be written: {os.strerror(-failed)}")
        file.seek(0)
        return file.read()
