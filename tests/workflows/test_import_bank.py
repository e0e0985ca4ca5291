"""From files to what is on offer: new, changed, broken, removed, restored; and the gate."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from app.grading.models import ReferenceCase
from app.grading.runs import CaseRun, SandboxBrokenError
from app.kit.i18n import use_locale
from app.questions.queries import (
    document_of,
    entries,
    live_versions,
    newest_versions,
    offered_papers,
)
from app.workflows.check_health import check_health, coding_problem
from app.workflows.import_bank import import_bank, is_settled, publish_what_is_new, unpublished
from app.workflows.publish_question import publish_question
from tests.fakes import run_in_process
from tests.site import BANK, build_site

if TYPE_CHECKING:
    from pathlib import Path

    from app.grading.runs import Call
    from app.questions.models import QuestionVersion
    from tests.site import Site


def file(site: Site, question_id: str = "double") -> Path:
    return site.bank_dir / "basics" / f"{question_id}.yaml"


def edit(site: Site, old: str, new: str, question_id: str = "double") -> None:
    path = file(site, question_id)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def live(site: Site) -> dict[str, QuestionVersion]:
    with site.database.transaction(read_only=True) as session:
        return live_versions(session)


def newest(site: Site, question_id: str = "double") -> QuestionVersion:
    with site.database.transaction(read_only=True) as session:
        return newest_versions(session)[question_id]


def title(site: Site) -> str:
    return document_of(live(site)["double"]).title.en


def papers(site: Site) -> list[str]:
    with site.database.transaction(read_only=True) as session:
        return [paper.id for paper in offered_papers(session)]


def bring_in(site: Site) -> None:
    site.clock.advance(60)
    import_bank(site.runtime)


# --- Files ----------------------------------------------------------------------------------


def test_unchanged_bank_changes_nothing(site: Site) -> None:
    before = live(site)
    bring_in(site)
    after = live(site)
    assert {one.id for one in before.values()} == {one.id for one in after.values()}
    assert site.dispatcher.sent == []


def test_layout_of_a_file_does_not_count(site: Site) -> None:
    edit(site, "minutes: 5", "minutes:    5  # five")
    bring_in(site)
    assert site.dispatcher.sent == []


def test_new_question_goes_live_and_may_be_asked_by_a_paper(site: Site) -> None:
    text = file(site).read_text().replace("id: double", "id: twice")
    file(site, "twice").write_text(text)
    bring_in(site)
    assert "twice" in live(site)
    assert papers(site) == ["first-round"]


def test_changed_question_becomes_a_new_version(site: Site) -> None:
    before = live(site)["double"]
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    assert title(site) == "Twice"
    assert live(site)["double"].id != before.id


def test_undone_change_brings_the_old_version_back_without_its_gate(site: Site) -> None:
    before = live(site)["double"]
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    edit(site, "en: Twice}", "en: Double}")
    site.dispatcher.sent.clear()
    bring_in(site)
    assert live(site)["double"].id == before.id
    assert newest(site).id == before.id
    assert site.dispatcher.sent == []


def test_broken_file_changes_nothing(site: Site) -> None:
    before = live(site)["double"]
    edit(site, "kind: coding", "kind: codding")
    bring_in(site)
    assert live(site)["double"].id == before.id
    assert papers(site) == ["first-round"]


def test_removed_question_is_retired_with_the_papers_that_ask_it(site: Site) -> None:
    interview_id = site.start()
    file(site).unlink()
    bring_in(site)
    assert "double" not in live(site)
    assert papers(site) == []
    with site.database.transaction(read_only=True) as session:
        assert entries(session)["double"].retired_at is not None
    assert len(site.attempts(interview_id)) == 3


def test_restored_question_is_offered_again(site: Site) -> None:
    before = live(site)["double"]
    file(site).unlink()
    bring_in(site)
    shutil.copy(BANK / "basics" / "double.yaml", file(site))
    site.dispatcher.sent.clear()
    bring_in(site)
    assert live(site)["double"].id == before.id
    assert papers(site) == ["first-round"]
    assert site.dispatcher.sent == []


def test_removed_paper_is_retired_and_its_questions_stay(site: Site) -> None:
    paper = site.bank_dir / "papers" / "first-round.yaml"
    paper.unlink()
    bring_in(site)
    assert papers(site) == []
    assert "double" in live(site)
    shutil.copy(BANK / "papers" / "first-round.yaml", paper)
    bring_in(site)
    assert papers(site) == ["first-round"]


def test_missing_directory_changes_nothing(site: Site) -> None:
    """A volume that is not mounted yet must not retire the whole bank."""
    site.bank_dir.rename(site.bank_dir.with_name("elsewhere"))
    bring_in(site)
    assert papers(site) == ["first-round"]
    assert len(live(site)) == 3


# --- The gate -------------------------------------------------------------------------------


def break_reference(site: Site) -> None:
    edit(site, "return 2 * x", "return 1 / 0")


def test_refused_version_says_why_and_the_earlier_one_stays(site: Site) -> None:
    before = live(site)["double"]
    break_reference(site)
    bring_in(site)
    assert live(site)["double"].id == before.id
    refused = newest(site)
    assert refused.id != before.id
    assert refused.published_at is None
    assert refused.problem is not None
    assert refused.problem["text"].startswith("The reference solution")
    assert refused.problem["values"]["case"] == "shown"
    assert is_settled(site.runtime.machinery)


def test_refused_version_is_not_tried_again_until_its_file_changes(site: Site) -> None:
    break_reference(site)
    bring_in(site)
    site.dispatcher.sent.clear()
    bring_in(site)
    assert site.dispatcher.sent == []
    edit(site, "return 1 / 0", "return x + x")
    bring_in(site)
    assert newest(site).id == live(site)["double"].id
    assert "return x + x" in newest(site).source


def test_refused_question_that_was_never_live_is_not_offered(site: Site) -> None:
    text = file(site).read_text().replace("id: double", "id: twice")
    file(site, "twice").write_text(text.replace("return x * x", "return 2 * x"))
    bring_in(site)
    assert "twice" not in live(site)
    (finding,) = [one for one in check_health(site.runtime.machinery) if "twice" in one.detail]
    assert finding.state == "warning"


def test_sandbox_that_breaks_is_no_fault_of_the_version(site: Site) -> None:
    def break_it(_: Call) -> CaseRun:
        raise SandboxBrokenError("nonsense")

    works, site.engine.run = site.engine.run, break_it
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    assert title(site) == "Double"
    assert newest(site).problem is None
    site.engine.run = works
    publish_what_is_new(site.runtime)
    assert title(site) == "Twice"


def test_author_never_shares_a_sandbox_with_a_candidate(site: Site) -> None:
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    pool = site.runtime.machinery.pool
    assert pool is not None
    pool.close()
    assert site.engine.closed == 1


def test_text_question_needs_no_sandbox(site: Site) -> None:
    site.engine.away = True
    edit(site, "en: Threads}", "en: Processes}", "threads")
    bring_in(site)
    assert newest(site, "threads").published_at is not None


def test_without_an_engine_the_earlier_version_stays_and_the_new_one_waits(site: Site) -> None:
    site.engine.away = True
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    assert title(site) == "Double"
    assert set(unpublished(site.runtime.machinery).values()) == {"double"}
    assert coding_problem(site.runtime.machinery) is not None
    site.engine.away = False
    site.clock.advance(60)
    publish_what_is_new(site.runtime)
    assert title(site) == "Twice"
    assert unpublished(site.runtime.machinery) == {}
    assert coding_problem(site.runtime.machinery) is None


def test_without_an_engine_a_new_question_is_offered_unproven_and_waits(site: Site) -> None:
    site.engine.away = True
    file(site, "twice").write_text(file(site).read_text().replace("id: double", "id: twice"))
    bring_in(site)
    assert live(site)["twice"].published_at is None
    assert is_settled(site.runtime.machinery)
    assert set(unpublished(site.runtime.machinery).values()) == {"twice"}
    with use_locale("en"):
        (bank,) = [one for one in check_health(site.runtime.machinery) if "live" in one.detail]
    proven = sum(one.published_at is not None for one in live(site).values())
    assert bank.detail == f"{proven} questions live; 1 wait for a sandbox"
    site.engine.away = False
    publish_what_is_new(site.runtime)
    assert live(site)["twice"].published_at is not None


def test_unproven_question_that_is_refused_later_is_withdrawn(site: Site) -> None:
    site.engine.away = True
    text = file(site).read_text().replace("id: double", "id: twice")
    file(site, "twice").write_text(text.replace("return 2 * x", "return 1 / 0"))
    bring_in(site)
    assert "twice" in live(site)
    site.engine.away = False
    publish_what_is_new(site.runtime)
    assert "twice" not in live(site)


def test_gate_that_runs_twice_stores_its_cases_once(site: Site) -> None:
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    version = newest(site)
    publish_question(site.runtime.machinery, str(version.id))
    with site.database.transaction(read_only=True) as session:
        count = session.query(ReferenceCase).filter_by(question_version_id=version.id).count()
    assert count == 4


def test_slow_gate_of_an_old_version_does_not_undo_a_newer_one(site: Site) -> None:
    """The file was saved twice, and the gate of the first version ends last."""
    site.dispatcher.holding = True
    edit(site, "en: Double}", "en: Twice}")
    bring_in(site)
    old = newest(site)
    edit(site, "en: Twice}", "en: Thrice}")
    bring_in(site)

    other_worker = build_site(site.runtime.settings.data_dir)

    def overtake(call: Call) -> CaseRun:
        site.engine.run = run_in_process
        publish_question(other_worker.runtime.machinery, str(newest(site).id))
        return run_in_process(call)

    site.engine.run = overtake
    publish_question(site.runtime.machinery, str(old.id))
    other_worker.close()
    assert title(site) == "Thrice"
    edit(site, "en: Thrice}", "en: Twice}")
    bring_in(site)
    assert title(site) == "Twice"  # its gate was passed already


def test_gate_waits_for_a_sandbox(site: Site) -> None:
    edit(site, "en: Double}", "en: Twice}")
    pool = site.runtime.machinery.pool
    assert pool is not None
    with ExitStack() as others:
        for number in range(pool.census().capacity):
            others.enter_context(pool.lease(str(number)))
        bring_in(site)
        assert title(site) == "Double"
    publish_what_is_new(site.runtime)
    assert title(site) == "Twice"


@pytest.mark.parametrize("away", [False, True])
def test_health_says_what_works(site: Site, *, away: bool) -> None:
    site.engine.away = away
    site.clock.advance(60)
    states = {one.name: one.state for one in check_health(site.runtime.machinery)}
    assert set(states.values()) == ({"ok", "error"} if away else {"ok"})
