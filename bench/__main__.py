"""Runs all measurements, or those named: verdicts, throughput, warm, screen."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from app.settings import Settings
from bench.ours import library, new_pool, over_http
from bench.report import Bar, Section, timings_section
from bench.rivals import bubblewrap, docker_run, plain_process
from bench.screen import clicks
from bench.timing import rate, repeat, side_by_side
from bench.warm import LEASES, leases_section, memory_section
from bench.work import LARGE, SMALL, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENTS = (1, 2, 4, 8)
HTTP_MS = 80.0


def verdicts() -> Iterator[Section]:
    """Measure (a) to (d), library and rivals in turns."""
    image = Settings().image
    with new_pool() as pool:
        for shape in (SMALL, LARGE):
            work = prepare(pool, shape)
            size = f"10 cases of {shape[0]} x {shape[1]}"
            timings = side_by_side(
                {
                    "(b) plain python process with numpy": plain_process(work),
                    "(a) ours, library": library(pool, work),
                    "(c) docker run per submission": docker_run(work, image),
                    "(d) bubblewrap per submission": bubblewrap(work),
                },
                rounds=30 if shape == SMALL else 12,
            )
            plain, ours, container, _ = (one.median for one in timings)
            bars = (
                Bar("ours / plain process", ours / plain, 0.25),
                Bar("ours / docker run", ours / container, 0.06),
            )
            yield timings_section(
                f"Submission to verdict, batch norm, {size}",
                timings,
                bars if shape == SMALL else (),
            )
    with over_http() as submit:
        timings = [
            repeat(f"(a) ours, HTTP, 10 cases of {n} x {d}", submit[n, d], times=40, warm_up=5)
            for n, d in (SMALL, LARGE)
        ]
    yield timings_section(
        "Submission to verdict over HTTP",
        timings,
        (Bar("ms over HTTP, small cases", timings[0].median, HTTP_MS),),
    )


def throughput() -> Iterator[Section]:
    """Measure (e): graded submissions a second with several clients at once."""
    image = Settings().image
    with new_pool(sandbox_capacity=4 * max(CLIENTS)) as pool:
        work = prepare(pool, SMALL)
        rows = []
        for clients in CLIENTS:
            ours = [library(pool, work, f"client-{at}") for at in range(clients)]
            for grade in ours:
                grade()
            rows.append(
                (
                    f"{clients} clients",
                    rate(ours, times=160 // clients),
                    rate([plain_process(work)] * clients, times=48 // clients),
                    rate([docker_run(work, image)] * clients, times=16 // clients),
                )
            )
    four = rows[CLIENTS.index(4)]
    yield Section(
        "(e) graded submissions a second, 10 small cases each",
        ("ours", "(b) plain", "(c) docker"),
        tuple(rows),
        (
            Bar("ours / docker run at 4 clients", four[1] / four[3], 10, at_least=True),
            Bar("ours / plain processes at 4 clients", four[1] / four[2], 3, at_least=True),
        ),
    )


def warm() -> Iterator[Section]:
    """Measure (f) and (g)."""
    with new_pool(sandbox_capacity=max(LEASES) + 1, sandbox_warm=0) as pool:
        work = prepare(pool, SMALL)
        yield memory_section(pool, work)
        yield leases_section(pool, work)


def screen() -> Iterator[Section]:
    """Measure what a candidate sees, with the bank's own question of more cases."""
    yield timings_section(
        "In a browser", [clicks("click on Submit to verdict on screen", times=30)], ()
    )


SECTIONS: dict[str, Callable[[], Iterator[Section]]] = {
    one.__name__: one for one in (verdicts, throughput, warm, screen)
}


def main(wanted: list[str]) -> None:
    """Print the tables and write ``bench.json`` into the data directory."""
    found = []
    for name in wanted or SECTIONS:
        for section in SECTIONS[name]():
            print(section.as_text(), end="\n\n", flush=True)
            found.append(section.as_json())
    path = Settings().data_dir / "bench.json"
    path.write_text(json.dumps(found, indent=2), "utf-8")
    print(f"As JSON: {path}")


main(sys.argv[1:])
