"""What commands print."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(data: object) -> None:
    """Print `data` as JSON that a program can read."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def fail(text: str, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    errors.print(text, markup=False)
    raise SystemExit(code)
