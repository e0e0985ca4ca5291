"""A last filter of system calls, for what the fork server itself still needs while it starts.

The container's filter holds from before its first program runs, so it must allow to run one.
Afterwards nothing in the sandbox runs another program or becomes readable to its own user again:
who did could lower its rank among those that are killed when memory is short, until that is PID 1.
"""

from __future__ import annotations

import ctypes
import os
import struct

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_PR_SET_DUMPABLE = 4
# Numbers of execve and prctl.
_CALLS = {"x86_64": (59, 157), "aarch64": (221, 167)}
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the latter with EPERM
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
# Where the kernel shows the number of the call, and the lower halves of its first arguments.
_NUMBER, _FIRST, _SECOND = 0, 16, 24


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def lock_down() -> None:
    """Forbid execve and getting dumpable to this process and all that it will fork, for good.

    Other kinds of system calls than the machine's own are the container's filter's to kill.
    Raises OSError, and KeyError on a machine whose numbers are not known.
    """
    execve, prctl = _CALLS[os.uname().machine]
    code = _assemble(
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 6, 0, execve),
        (_EQUAL, 0, 4, prctl),
        (_LOAD, 0, 0, _FIRST),
        (_EQUAL, 0, 2, _PR_SET_DUMPABLE),
        (_LOAD, 0, 0, _SECOND),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    )
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _assemble(*steps: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
