"""What others do for each submission: a new process, a new container, a new bubblewrap."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.grading.bwrap_engine import ENTRY_POINT, bwrap_command, root_folder
from app.grading.hardening import DEFAULT_PIDS, SECCOMP, draw_user
from app.grading.sandbox_session import DEFAULT_MEMORY_MB
from app.grading.seccomp_filter import compile_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.work import Work

NAIVE_JUDGE = Path(__file__).with_name("naive_judge.py").read_text("utf-8")
# The image keeps numpy where Python does not look by itself.
NAIVE_JUDGE_IN_IMAGE = f"import sys\nsys.path.insert(0, '/opt/yimian/site')\n{NAIVE_JUDGE}"
ISOLATED = ("/usr/bin/python3", "-I", "-S", "-B", "-c", NAIVE_JUDGE_IN_IMAGE)


def plain_process(work: Work) -> Callable[[], None]:
    """Return what grades in a plain process of this very Python, without any isolation."""
    return _grade([sys.executable, "-c", NAIVE_JUDGE], work)


def docker_run(work: Work, image: str) -> Callable[[], None]:
    """Return what grades by ``docker run``, with the walls that our own containers have."""
    walls = [
        *("--network", "none", "--read-only", "--cap-drop", "ALL", "--ipc", "none"),
        *("--security-opt", "no-new-privileges", "--security-opt", f"seccomp={SECCOMP}"),
        *("--pids-limit", str(DEFAULT_PIDS), "--cpus", "1", "--log-driver", "none"),
        *("--memory", f"{DEFAULT_MEMORY_MB}m", "--memory-swap", f"{DEFAULT_MEMORY_MB}m"),
        *("--user", "65534:65534", "--ulimit", "core=0", "--ulimit", "fsize=0"),
    ]
    start, arguments = ISOLATED[:1], ISOLATED[1:]
    command = ["docker", "run", "--rm", "-i", *walls, "--entrypoint", *start, image, *arguments]
    return _grade(command, work)


def bubblewrap(work: Work) -> Callable[[], None]:
    """Return what grades by a new ``bwrap``, with our walls and filter but no control group."""
    seccomp = os.memfd_create("seccomp")
    os.write(seccomp, compile_profile(SECCOMP))
    walls = bwrap_command("bwrap", root_folder(), draw_user(), seccomp)[: -len(ENTRY_POINT)]
    grade = _grade([*walls, *ISOLATED], work, pass_fds=[seccomp])

    def rewound() -> None:
        os.lseek(seccomp, 0, os.SEEK_SET)
        grade()

    return rewound


def _grade(command: Sequence[str], work: Work, pass_fds: Sequence[int] = ()) -> Callable[[], None]:
    packed = work.packed()

    def grade() -> None:
        done = subprocess.run(
            command, input=packed, check=True, capture_output=True, pass_fds=pass_fds
        )
        assert done.stdout == b"AC\n", done

    return grade
