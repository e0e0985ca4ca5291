"""The command line: what it prints, how it exits, and that it never shows a stack trace."""

from __future__ import annotations

import json
import os
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import typer

from app import cli
from app.accounts.queries import user_by_email
from app.db.engine import connect
from app.db.session import Database
from app.grading.engine_watch import EngineWatch
from app.grading.pool import Pool
from app.grading.runs import EngineUnavailableError
from app.kit.clock import SystemClock
from app.questions.queries import newest_versions
from tests.fakes import FakeEngine
from tests.site import BANK, DOUBLE, PASSWORD, SQUARED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.grading.runs import EngineReport
    from tests.site import Site


class Done:
    """What a command came to."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.out)


@pytest.fixture
def run(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run a command on the site, through the same door as the executable."""
    for name in list(os.environ):
        if name.startswith("YIMIAN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("YIMIAN_DATA_DIR", str(site.runtime.settings.data_dir))
    monkeypatch.setenv("YIMIAN_BANK_DIR", str(site.bank_dir))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    use_engine(monkeypatch, site.engine)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["yimian", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1 if error.code else 0
        except typer.Exit as error:
            code = error.exit_code
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Done(code, said.out, said.err)

    return run


def use_engine(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
    def pool(*_: object) -> Pool:
        return Pool(engine, clock=SystemClock(), warm=0, capacity=2)

    for module in ("judge", "questions"):
        monkeypatch.setattr(f"app.cli.{module}.build_engine", lambda _: engine)
        monkeypatch.setattr(f"app.cli.{module}.build_pool", pool)
    monkeypatch.setattr("app.workflows.assemble_runtime.build_engine", lambda _: engine)
    monkeypatch.setattr("app.workflows.assemble_runtime.build_pool", pool)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "answer.py"
    path.write_text(DOUBLE)
    return path


def one_line(done: Done) -> str:
    assert done.code == 1
    assert done.out == ""
    (line,) = done.err.splitlines()
    return line


# --- grade and score ------------------------------------------------------------------------


def test_grade_prints_the_stable_json(run: Callable[..., Done], program: Path) -> None:
    done = run("grade", "double", program, "--json")
    assert done.code == 0
    assert list(done.data) == [
        "verdict",
        "score",
        "groups",
        "cases",
        "mistake",
        "findings",
        "job",
    ]
    assert (done.data["verdict"], done.data["score"], done.data["mistake"]) == ("AC", 1.0, None)
    assert done.data["groups"] == [
        {"name": "values", "passed": 1, "total": 1},
        {"name": "more", "passed": 2, "total": 2},
    ]
    assert [case["name"] for case in done.data["cases"]] == [
        "shown",
        "secret-case",
        "random-1",
        "random-2",
    ]
    stable = {"name", "verdict", "cpu_ms", "wall_ms", "memory_kb"}
    assert set(done.data["cases"][0]) == stable | {"rerun", "reason"}
    assert done.data["findings"] == []
    assert done.data["job"]["state"] == "done"
    assert set(done.data["job"]) == {"state", "ms"}


def test_grade_names_what_is_not_allowed_and_runs_none_of_it(
    run: Callable[..., Done], program: Path, tmp_path: Path
) -> None:
    question = tmp_path / "double.yaml"
    text = (BANK / "basics" / "double.yaml").read_text()
    question.write_text(f"{text}\nforbid: [np.multiply]\n")
    program.write_text("from numpy import multiply as twice\nraise SystemExit\n")
    done = run("grade", question, program, "--json")
    assert (done.code, done.data["verdict"], done.data["score"]) == (0, "NA", 0.0)
    assert [(one["line"], one["name"]) for one in done.data["findings"]] == [(1, "np.multiply")]
    assert "Line 1: this question forbids np.multiply." in run("grade", question, program).out


def test_grade_gives_the_author_the_reasons_of_hidden_cases(
    run: Callable[..., Done], program: Path
) -> None:
    program.write_text(SQUARED)
    cases = run("grade", "double", program, "--json").data["cases"]
    reasons = {case["name"]: case["reason"] for case in cases}
    assert "result[0]: expected 140822.0" in reasons["secret-case"]
    assert "expected 140822.0" in run("grade", "double", program).out


def test_grade_takes_several_files(run: Callable[..., Done], program: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(SQUARED)
    done = run("grade", "double", program, wrong, "--json")
    assert [(one["file"], one["verdict"]) for one in done.data] == [
        (str(program), "AC"),
        (str(wrong), "WA"),
    ]
    shown = run("grade", "double", program, wrong).out
    assert shown.index(f"{program}:") < shown.index("AC") < shown.index(f"{wrong}:")


def test_grade_exits_0_for_a_wrong_program_and_names_the_mistake(
    run: Callable[..., Done], program: Path
) -> None:
    program.write_text(SQUARED)
    done = run("grade", "double", program, "--json")
    assert (done.code, done.data["verdict"], done.data["mistake"]) == (0, "WA", "squared")
    shown = run("grade", "double", program)
    assert shown.code == 0
    assert "WA" in shown.out
    assert "Recognised mistake: squared" in shown.out


def test_grade_may_run_the_samples_only(run: Callable[..., Done], program: Path) -> None:
    done = run("grade", "double", program, "--sample", "--json")
    assert [case["name"] for case in done.data["cases"]] == ["shown"]
    assert (done.data["verdict"], done.data["groups"]) == ("AC", [])


def test_grade_takes_the_path_of_a_question(run: Callable[..., Done], program: Path) -> None:
    path = BANK / "basics" / "double.yaml"
    assert run("grade", path, program, "--json").data["verdict"] == "AC"


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"def double(x", b"import nothing_there"])
def test_grade_gives_a_verdict_on_any_bytes(
    run: Callable[..., Done], program: Path, content: bytes
) -> None:
    program.write_bytes(content)
    done = run("grade", "double", program, "--json")
    assert (done.code, done.data["verdict"]) == (0, "RE")


@pytest.mark.parametrize("name", ["no-such", "", "*", "[", "../double", "papers/first-round"])
def test_unknown_question_is_named(run: Callable[..., Done], program: Path, name: str) -> None:
    for command in ("grade", "score"):
        assert f"There is no question “{name}”" in one_line(run(command, name, program))


def test_question_of_the_other_kind_is_pointed_to_the_other_command(
    run: Callable[..., Done], program: Path
) -> None:
    assert "use `yimian score`" in one_line(run("grade", "threads", program))
    assert "use `yimian grade`" in one_line(run("score", "double", program))


def test_missing_answer_is_named(run: Callable[..., Done], tmp_path: Path) -> None:
    for command, question in (("grade", "double"), ("score", "threads")):
        for path in (tmp_path / "nowhere", tmp_path):
            assert str(path) in one_line(run(command, question, path))


def test_broken_question_is_shown_at_its_place(
    run: Callable[..., Done], program: Path, site: Site
) -> None:
    path = site.bank_dir / "basics" / "double.yaml"
    path.write_text(path.read_text().replace("minutes: 5", "minutes: five"))
    done = run("grade", "double", program)
    assert done.code == 1
    assert f"{path}:6:10" in done.err


def test_question_at_fault_is_called_that(
    run: Callable[..., Done], program: Path, site: Site
) -> None:
    path = site.bank_dir / "basics" / "double.yaml"
    path.write_text(path.read_text().replace("return 2 * x", "return 1 / 0"))
    assert "The question itself is at fault" in one_line(run("grade", "double", program))


def test_missing_engine_is_said_in_a_line(
    run: Callable[..., Done], program: Path, site: Site
) -> None:
    site.engine.away = True
    assert one_line(run("grade", "double", program)) == "Code cannot be run: away"


def test_score_prints_the_stable_json(run: Callable[..., Done], program: Path) -> None:
    answer = "Well. Threads share the memory of their process."
    program.write_text(answer)
    done = run("score", "threads", program, "--json")
    assert list(done.data) == ["score", "max", "criteria", "needs_mentor"]
    assert (done.code, done.data["score"], done.data["max"]) == (0, 3.0, 3.0)
    (criterion,) = done.data["criteria"]
    assert set(criterion) == {"id", "points", "max", "confidence", "evidence", "mistakes"}
    ((start, end),) = criterion["evidence"][:1]
    assert "Threads share the memory" in answer[start:end]
    assert done.data["needs_mentor"] in {True, False}


def test_score_of_an_open_question_leaves_it_to_a_mentor(
    run: Callable[..., Done], program: Path
) -> None:
    program.write_text("A robot.")
    done = run("score", "project", program, "--json")
    assert (done.code, done.data["needs_mentor"]) == (0, True)
    assert run("score", "project", program).code == 0


@pytest.mark.parametrize("content", [b"", b"\xff\x00\xfe", "词".encode() * 1000])
def test_score_bears_any_bytes(run: Callable[..., Done], program: Path, content: bytes) -> None:
    program.write_bytes(content)
    assert run("score", "threads", program, "--json").code == 0
    assert run("score", "threads", program).code == 0


# --- questions ------------------------------------------------------------------------------


def test_check_of_a_good_bank(run: Callable[..., Done]) -> None:
    done = run("questions", "check", "--no-run")
    assert (done.code, done.out) == (0, "3 files, no errors.\n")
    assert run("questions", "check", "--no-run", "--json").data == []


def test_check_of_a_broken_file_names_line_and_column(run: Callable[..., Done], site: Site) -> None:
    path = site.bank_dir / "basics" / "double.yaml"
    path.write_text(path.read_text().replace("minutes: 5", "minutes: five", 1))
    done = run("questions", "check", path)
    assert done.code == 1
    assert done.out.startswith(f"{path}:6:10: ")
    data = run("questions", "check", path, "--json")
    assert data.code == 1
    (found,) = data.data
    assert (found["line"], found["column"], found["severity"]) == (6, 10, "error")
    assert run("questions", "check").code == 1


def test_check_runs_the_solutions(run: Callable[..., Done], site: Site) -> None:
    path = site.bank_dir / "basics" / "double.yaml"
    assert run("questions", "check", path).code == 0
    path.write_text(path.read_text().replace("return x * x", "return 2 * x"))
    assert run("questions", "check", path, "--no-run").code == 0
    done = run("questions", "check", path)
    assert done.code == 1
    assert "“squared” is declared WA but gets AC" in done.out


def test_check_without_an_engine_says_so_and_checks_the_rest(
    run: Callable[..., Done], site: Site
) -> None:
    site.engine.away = True
    done = run("questions", "check")
    assert done.code == 0
    assert "The solutions were not run: away" in done.err


def test_check_of_a_missing_file(run: Callable[..., Done], tmp_path: Path) -> None:
    done = run("questions", "check", tmp_path / "nowhere.yaml")
    assert done.code == 1
    assert "There is no such file" in done.out


def test_schema_is_a_json_schema(run: Callable[..., Done]) -> None:
    schema = run("questions", "schema").data
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "CodingQuestion" in schema["$defs"]


def test_import_stores_and_publishes(run: Callable[..., Done], site: Site) -> None:
    path = site.bank_dir / "basics" / "double.yaml"
    path.write_text(path.read_text().replace("en: Double}", "en: Twice}"))
    done = run("questions", "import")
    assert (done.code, done.out) == (0, "1 question was new.\n")
    with site.database.transaction(read_only=True) as session:
        assert newest_versions(session)["double"].published_at is not None
    assert run("questions", "import").out == "0 questions were new.\n"


# --- user, db, doctor -----------------------------------------------------------------------


def test_user_is_added_with_the_given_password(run: Callable[..., Done], site: Site) -> None:
    done = run("user", "add", "New@site.test", "--role", "mentor", "--password", PASSWORD)
    assert (done.code, PASSWORD in done.out) == (0, False)
    with site.database.transaction(read_only=True) as session:
        user = user_by_email(session, "new@site.test")
    assert user is not None
    assert (user.role, user.display_name) == ("mentor", "New")


def test_password_that_was_made_up_is_printed_once(run: Callable[..., Done]) -> None:
    done = run("user", "add", "new@site.test")
    assert "Password: " in done.out
    again = run("user", "add", "new@site.test")
    assert one_line(again) == "This address is registered already."


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody",),
        ("a@b.test", "--password", "short"),
        ("a@b.test", "--role", "king"),
        ("a@b.test", "--name", "\x1b[31m"),
        ("\udcff@b.test",),
        ("a@b.test", "--password", "\udcff" * 12),
    ],
    ids=ascii,
)
def test_person_that_cannot_be_is_refused(
    run: Callable[..., Done], arguments: tuple[str, ...]
) -> None:
    done = run("user", "add", *arguments)
    assert done.code in {1, 2}
    assert done.err


def test_demo_accounts_are_made_once(run: Callable[..., Done]) -> None:
    first = run("user", "demo")
    assert first.code == 0
    _, *accounts = first.out.splitlines()
    assert [line.split()[0] for line in accounts] == ["candidate", "mentor", "admin"]
    assert run("user", "demo").out == ""


def test_database_is_made_and_brought_up_to_date(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMIAN_DATA_DIR", str(tmp_path / "new"))
    for _ in range(2):
        done = run("db", "upgrade")
        assert (done.code, done.out) == (0, "The database has the newest schema.\n")
    assert run("user", "add", "a@b.test", "--password", PASSWORD).code == 0
    Database(connect(f"sqlite:///{tmp_path / 'new' / 'yimian.db'}")).engine.dispose()


@pytest.mark.parametrize(
    "arguments",
    [("user", "add", "a@b.test"), ("user", "demo"), ("questions", "import"), ("transcript", "x")],
    ids=" ".join,
)
def test_database_that_is_not_there_is_said_in_a_line(
    run: Callable[..., Done],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("YIMIAN_DATA_DIR", str(tmp_path / "new"))
    assert "no such table" in one_line(run(*arguments))


@pytest.mark.parametrize("url", ["nonsense", "postgresql://nobody@127.0.0.1:1/none", "mysql://x/y"])
def test_database_that_cannot_be_reached_is_said_in_a_line(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("YIMIAN_DATABASE_URL", url)
    assert one_line(run("db", "upgrade"))


def test_setting_that_cannot_be_is_named(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIMIAN_PORT", "many")
    assert "YIMIAN_PORT" in one_line(run("db", "upgrade"))


def test_doctor_says_what_works(run: Callable[..., Done], site: Site) -> None:
    done = run("doctor")
    assert (done.code, "Sandbox" in done.out) == (0, True)
    site.engine.away = True
    done = run("doctor")
    assert (done.code, "away" in done.out) == (1, True)


def test_doctor_waits_for_an_engine_that_is_slow_to_start_a_sandbox(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(FakeEngine):
        def probe(self) -> EngineReport:
            threading.Event().wait(0.05)
            return super().probe()

    use_engine(monkeypatch, Slow())
    hasty = partial(EngineWatch, patience_seconds=0)
    monkeypatch.setattr("app.workflows.assemble_runtime.EngineWatch", hasty)
    done = run("doctor")
    assert (done.code, "does not answer" in done.out) == (0, False)


@pytest.mark.parametrize("name", ["YIMIAN_MEMORY_BUDGET_MB", "YIMIAN_QUEUE_LIMIT"])
@pytest.mark.parametrize("value", ["-1", "nan", "1000000000000"])
def test_a_limit_without_meaning_is_refused(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert name in one_line(run("doctor"))


def test_worker_needs_a_broker(run: Callable[..., Done]) -> None:
    assert "YIMIAN_BROKER_URL" in one_line(run("worker"))


# --- transcript -----------------------------------------------------------------------------


def test_transcript_in_each_form(run: Callable[..., Done], site: Site, tmp_path: Path) -> None:
    interview_id = site.start()
    assert "not finished yet" in one_line(run("transcript", interview_id))
    site.finish(interview_id)
    output = tmp_path / "out"
    for form, start in (("json", "{"), ("md", "# First round"), ("html", "<!doctype html>")):
        assert run("transcript", interview_id, "--format", form, "--output", output).code == 0
        assert output.read_text().lstrip().startswith(start)


def test_unknown_interview_and_form_are_refused(run: Callable[..., Done], site: Site) -> None:
    assert "There is no interview “no-such”" in one_line(run("transcript", "no-such"))
    assert run("transcript", site.start(), "--format", "doc").code == 2


def test_output_that_cannot_be_written_is_said_in_a_line(
    run: Callable[..., Done], site: Site, tmp_path: Path
) -> None:
    interview_id = site.start()
    site.finish(interview_id)
    assert str(tmp_path) in one_line(run("transcript", interview_id, "--output", tmp_path))


def test_language_is_that_of_the_terminal(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "There is no" not in one_line(run("transcript", "no-such"))


def test_help_lists_the_commands(run: Callable[..., Done]) -> None:
    done = run("--help")
    assert done.code == 0
    for name in ("serve", "worker", "doctor", "db", "user", "questions", "grade", "score"):
        assert name in done.out


def test_engine_error_of_any_command_is_a_line(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise EngineUnavailableError("no engine at all")

    monkeypatch.setattr("app.cli.operation.assemble_runtime", lambda *_, **__: away(None))
    assert one_line(run("doctor")) == "Code cannot be run: no engine at all"
