"""The scripts that make the image: which numpy, and when nothing is to be done."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from app.grading.docker_engine import DockerEngine, image_tag
from sandbox.numpy_requirement import numpy_requirement
from tests.sandboxes import ROOT, Box

if TYPE_CHECKING:
    from app.grading.runs import Engine

LOCK = """\
nh3==0.3.2 \\
    --hash=sha256:aa
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:dd
packaging==26.0 \\
    --hash=sha256:ee
"""


@pytest.mark.parametrize(
    ("python", "wanted"),
    [
        ((3, 11), "numpy==2.4.6 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc"),
        ((3, 12), "numpy==2.5.5 \\\n    --hash=sha256:dd"),
        ((3, 13), "numpy==2.5.5 \\\n    --hash=sha256:dd"),
    ],
)
def test_numpy_is_pinned_for_the_image_s_python(python: tuple[int, int], wanted: str) -> None:
    assert numpy_requirement(LOCK, python) == wanted


def test_a_single_pin_holds_for_every_python() -> None:
    assert numpy_requirement("numpy==2.0.0 \\\n    --hash=sha256:aa\n", (3, 13)).startswith(
        "numpy==2"
    )


def test_a_lock_without_numpy_is_an_error() -> None:
    with pytest.raises(LookupError):
        numpy_requirement("packaging==26.0\n", (3, 11))


def test_our_own_lock_has_numpy() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in numpy_requirement(lock, (3, 11))


def test_an_image_that_exists_is_not_built_again(engine: DockerEngine) -> None:
    built = subprocess.run([ROOT / "sandbox" / "build-image.sh"], capture_output=True, check=True)
    assert built.stdout == b""
    assert image_tag() == engine.probe().image


def test_an_engine_that_answers_is_left_alone(engine: DockerEngine) -> None:
    assert engine.probe().reachable
    seen = subprocess.run([ROOT / "sandbox" / "ensure-engine.sh"], capture_output=True, check=True)
    assert seen.stdout == seen.stderr == b""


def test_no_file_of_the_image_is_read_from_disk_during_a_call(engine: Engine) -> None:
    # The kernel counts what a process had to wait for: a call could leave a message by reading
    # some of the files, for a later one to find out which.
    read_all = """
        import os, resource
        def f():
            count = 0
            for top in ("/usr", "/opt", "/etc"):
                for folder, _, names in os.walk(top):
                    for name in names:
                        with open(f"{folder}/{name}", "rb") as file: count += bool(file.read(1))
            import asyncio, decimal, email, numpy.ma, numpy.polynomial, numpy.testing, unittest
            return [count, resource.getrusage(resource.RUSAGE_SELF).ru_inblock]
    """
    subprocess.run(["sync"], check=True)
    Path("/proc/sys/vm/drop_caches").write_text("3")
    box = Box(engine)
    files, blocks = cast("list[int]", box.value(read_all))
    box.replace()
    assert files > 300
    assert blocks == 0
