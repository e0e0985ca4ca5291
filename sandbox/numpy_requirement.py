"""Print the pinned numpy requirement, with its hashes, for the Python inside the image.

pip evaluates the markers of a requirements file for the Python that runs pip, even with
``--python-version``; the image's Python may be another one, so the line is chosen here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

MARKER = re.compile(r"python_(?:full_)?version\s*(<|<=|>|>=|==)\s*'(\d+)\.(\d+)[\d.]*'")


def numpy_requirement(lock: str, python: tuple[int, int]) -> str:
    """Return the numpy line of `lock` that holds for `python`, without its marker.

    Raises LookupError if the lock has none.
    """
    for block in re.findall(r"^numpy==(?:.*\\\n)*.*", lock, flags=re.MULTILINE):
        head, _, hashes = block.partition("\n")
        pin, _, marker = head.rstrip("\\ ").partition(";")
        if all(_holds(python, *found) for found in MARKER.findall(marker)):
            return f"{pin.strip()} \\\n{hashes}"
    reason = f"no numpy for Python {python[0]}.{python[1]} in the lock"
    raise LookupError(reason)


def _holds(python: tuple[int, int], operator: str, major: str, minor: str) -> bool:
    bound = (int(major), int(minor))
    return {
        "<": python < bound,
        "<=": python <= bound,
        ">": python > bound,
        ">=": python >= bound,
        "==": python == bound,
    }[operator]


if __name__ == "__main__":
    major, minor = sys.argv[2].split(".")
    sys.stdout.write(numpy_requirement(Path(sys.argv[1]).read_text(), (int(major), int(minor))))
    sys.stdout.write("\n")
