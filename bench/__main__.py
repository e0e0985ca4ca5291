"""Runs all measurements."""

from __future__ import annotations

import json

from app.settings import Settings
from bench.timing import table
from bench.verdicts import measure_verdicts


def main() -> None:
    """Print the table and write ``bench.json`` into the data directory."""
    measurements = measure_verdicts()
    print(table(measurements))
    path = Settings().data_dir / "bench.json"
    path.write_text(json.dumps([one.as_json() for one in measurements], indent=2), "utf-8")
    print(f"\nAs JSON: {path}")


main()
