"""Static rules: what a question forbids is found in disguise, and no text hurts the finder."""

from __future__ import annotations

import ast
import threading
import tracemalloc
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.grading.static_names import Names, parse
from app.grading.static_rules import (
    MAX_FINDINGS,
    Violation,
    broken_rules,
    find_violations,
    is_stopped,
)
from app.questions.schema import CodingQuestion

BOTH = {"zh": "题", "en": "question"}


def question(**more: Any) -> CodingQuestion:  # noqa: ANN401 - a question file may hold anything
    return CodingQuestion.model_validate(
        {
            "id": "norm",
            "kind": "coding",
            "title": BOTH,
            "prompt": BOTH,
            "entry_point": "f",
            "cases": [{"name": "case", "sample": True, "args": {}}],
            "solutions": [{"name": "reference", "verdict": "AC", "code": "f = sum"}],
            "rubric": [{"id": "correctness", "points": 2}],
            **more,
        }
    )


FORBIDDING = question(forbid=["np.var", "torch", "numpy.linalg", "sorted"])
LOOPLESS = question(rules=[{"name": "vectorised", "no_loops_over": ["x"]}])


def lines(text: str, asked: CodingQuestion = FORBIDDING) -> list[int]:
    return sorted({one.line for one in find_violations(asked, text)})


# --- Names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\ndef f(x): return np.var(x)",
        "import numpy as xx\nxx.var",
        "import numpy\nnumpy.var(1)",
        "import numpy as np\ng = np.var",
        "import numpy as np\nlib = np; lib.var",
        "import numpy as np\n(lib, other) = (np, 1); lib.var",
        "import numpy as np\n[[lib], other] = [[np], 1]; lib.var",
        "import numpy as np\n(lib := np).var",
        "import numpy as np\nfor lib in (np,): lib.var",
        "import numpy as np\nfor lib, n in ((1, 2), (np, 3)): lib.var",
        "import numpy as np\nfor (lib, n), *m in (((np, 2), 3), 4): lib.var",
        "import numpy as np\n[lib.var for lib in (np,)]",
        "import numpy as np\ndef f(x, lib=np): return lib.var(x)",
        "import numpy as np\nf = lambda x, *, lib=np: lib.var(x)",
        "import numpy as np\n(np if f else 1).var",
        "import numpy as np\n(None or np).var",
        "import numpy as np\n(1, np)[1].var",
        'import numpy as np\n{"a": np}["a"].var',
        'import numpy as np\ngetattr(np, "var")',
        'import numpy as np\ngetattr(np, "v" + "ar")',
        "import numpy as np\ngetattr(np, f\"v{'ar'}\")",
        'import numpy as np; name = "var"\ngetattr(np, name)',
        'import numpy as np\nnp.__dict__["var"]',
        'import numpy as np\nvars(np)["var"]',
        'import numpy as np\nglobals()["np"].var',
        'import sys, numpy\nsys.modules["numpy"].var',
        'pass\n__import__("numpy").var',
        'import importlib\nimportlib.import_module("numpy").var',
        'from importlib import import_module as load\nload("numpy").var',
        'import builtins\nbuiltins.__import__("numpy").var',
        'import numpy as np\neval("np.var(x)")',
        'import numpy as np\neval("np").var',
        'import numpy as np\nexec("import numpy as q; q.var(1)")',
        "import numpy as np\nexec(\"exec('np.var')\")",
        'import numpy as np\nexec(compile("np.var", "", "exec"))',
        'import numpy as np, operator\noperator.attrgetter("var")(np)',
        "from numpy import *\nvar(1)",
        "import numpy as np\nnp.core.fromnumeric.var(1)",
        "import numpy as np\nnp.ndarray.var(1)",
        "import numpy as np\nｎｐ.ｖａｒ",  # noqa: RUF001 - Python folds these to ASCII
        "def f(x):\n  return x.var()",
        "import numpy as np\nnp.abs(1).var()",
        'def f(x):\n  return getattr(x, "var")()',
        "class A:\n  def f(self): return self.x.var()",
        "pass\nimport torch",
        "pass\nimport torch.nn as nn",
        "pass\nfrom torch import nn",
        "pass\nfrom torch.nn import functional",
        'pass\n__import__("torch.nn")',
        "pass\nfrom numpy import linalg as la",
        "pass\nimport numpy.linalg",
        "import numpy as np\nnp.linalg.norm(1)",
        "pass\nsorted([])",
        "import builtins\nbuiltins.sorted([])",
        'pass\n__builtins__["sorted"]([])',
        "def g(): sorted = 1\nf = sorted",
        "[sorted for sorted in []]\nf = sorted",
        "def f():\n  sorted([])",
    ],
)
def test_forbidden_name_is_found_in_its_disguise(text: str) -> None:
    assert lines(text) == [2]


def test_global_name_is_one_name_everywhere() -> None:
    text = "def g():\n  global lib\n  import numpy as lib\ndef f(x):\n  return lib.var(x)"
    assert lines(text) == [5]


def test_from_import_is_found_where_it_stands_and_where_it_is_used() -> None:
    assert lines("from numpy import var as v\n\ndef f(x):\n  return v(x)") == [1, 4]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\ndef f(x): return np.mean((x - np.mean(x)) ** 2)",
        "def f(x):\n  var = 1\n  return var",
        "class N:\n  def var(self): return 1\n  def f(self): return self.var()",
        "class N:\n  def f(self): self.var = 1; return self.var",
        "def sorted(x): return x\nf = sorted",
        "import statistics as s\ns.var",
        'text = "np.var(x), import torch"',
        "# np.var\ndef f(x): return x.variance()",
        "import torchless",
        "def f(x): return x.sort()",
        "not python at all (",
        "\0",
        "\ud800",
        "",
        "def f(x):\n  from . import var\n  return 1",
    ],
)
def test_allowed_text_breaks_nothing(text: str) -> None:
    assert lines(text) == []


def test_violation_says_what_the_author_forbade_and_where() -> None:
    (one,) = find_violations(FORBIDDING, "import numpy as xx\nf = xx.var")
    assert one == Violation(None, 2, "name", "np.var", stops=True)
    assert one.message.render("en") == "Line 2: this question forbids np.var."
    assert one.as_json()["line"] == 2


# --- Loops ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "for row in x: pass",
        "for i, row in enumerate(x): pass",
        "for row, other in zip(x, y): pass",
        "for i in range(len(x)): pass",
        "for i in range(x.shape[0]): pass",
        "for i in range(0, x.shape[0], 8): pass",
        "N, D = x.shape; [0 for i in range(N)]",
        "N = D = x.shape[0]; [0 for i in range(N)]",
        "N, D = np.shape(x); sum(0 for i in range(D))",
        "k, (N, D) = 1, x.shape; [0 for i in range(D)]",
        "N, *rest = x.shape; {0 for i in range(int(N) // 2)}",
        "n = len(x); i = 0\n  while i < n: i += 1",
        "while len(x): x = x[1:]",
        "i = 0\n  while True: x[i]; i += 1",
        "for i in range(32): x[i]",
        "for i in range(32): x[i:i + 8]",
        "for i in range(32): x[:, i]",
        "z = x; {row: 0 for row in z}",
        "z = np.asarray(x).T; [row for row in z]",
        "z = x.reshape(-1, 2) - 1; [row for row in z[1:]]",
        "for row in x.tolist(): pass",
        "for row in iter(reversed(list(x))): pass",
        "list(map(abs, x))",
        "np.vectorize(abs)(x)",
        "np.apply_along_axis(sum, 1, x)",
        "for v in np.nditer(x): pass",
        "np.fromiter((v for v in x.flat), float)",
        "import functools; functools.reduce(max, x)",
        "for i in np.ndindex(x.shape): pass",
        "for i in np.arange(x.size): pass",
        "return [0] + f(x[1:])",
        "return g(x[1:], 0)",
        "h = lambda z: [v for v in z]; h(x)",
        "return rows(z=x)",
        'exec("for v in x: pass")',
    ],
)
def test_loop_over_the_argument_is_found(body: str) -> None:
    text = (
        f"import numpy as np\ndef f(x, y=0):\n  {body}\n"
        "def g(z, n):\n  return f(z)\n"
        "def rows(z):\n  return [v for v in z]\n"
    )
    assert lines(text, LOOPLESS)


def test_loop_over_an_argument_that_an_object_keeps_is_found() -> None:
    text = (
        "class Net:\n"
        "  def forward(self, x):\n    self.x = x\n    return self.look(x)\n"
        "  def look(self, z):\n    return [v for v in z]\n"
        "  def backward(self):\n    return [v for v in self.x]\n"
    )
    assert lines(text, LOOPLESS) == [6, 8]


@pytest.mark.parametrize(
    "body",
    [
        "return (x - x.mean(axis=0)) / x.std(axis=0)",
        "for step in range(100): x = x * 0.9",
        "for w in y: pass",
        "for layer in (1, 2): x = np.maximum(x, 0)",
        "for k in range(3): y += x[y == k].sum()",
        "for a in (x, y): pass",
        "n = len(x)\n  while np.abs(y).sum() / n > 1e-6: y = y / 2",
        "return sum(x)",
        "mean = x.mean(axis=0); [m for m in mean]",
        "for fold in y: x[fold]",
        "return x[0] + x[-1] + x[1:]",
        "return g(x)",
    ],
)
def test_other_loops_are_free(body: str) -> None:
    text = f"import numpy as np\ndef f(x, y=0):\n  {body}\ndef g(z):\n  return z + 1\n"
    assert lines(text, LOOPLESS) == []


def test_rule_without_a_verdict_stops_nothing() -> None:
    text = "def f(x): return [v for v in x]"
    (one,) = find_violations(LOOPLESS, text)
    assert one.message.render("en") == "Line 1: a Python loop runs over x."
    assert broken_rules([one]) == {"vectorised"}
    assert not is_stopped([one])
    strict = question(rules=[{"name": "v", "no_loops_over": ["x"], "verdict": "NA"}])
    assert is_stopped(find_violations(strict, text))


def test_what_stops_the_code_comes_first_and_a_thousand_findings_are_cut() -> None:
    asked = question(
        forbid=["torch"],
        rules=[
            {"name": "a", "no_loops_over": ["x"]},
            {"name": "b", "forbid": ["math"]},
        ],
    )
    text = "import math\ndef f(x):\n" + "  for v in x: pass\n" * 1000 + "import torch"
    found = find_violations(asked, text)
    assert found[0].rule is None
    assert broken_rules(found) == {"a", "b"}
    assert len(found) <= MAX_FINDINGS + 2


def test_question_without_rules_is_not_looked_through() -> None:
    assert find_violations(question(), "(" * 100_000) == ()


# --- Hostile text ---------------------------------------------------------------------------

SIZE = 64 * 1024
STRICT = question(
    forbid=["np.var", "sorted"], rules=[{"name": "v", "no_loops_over": ["x"], "verdict": "NA"}]
)
BOMBS = {
    "dotted import": "import " + "a." * (SIZE // 2 - 8) + "b",
    "dotted import with spaces": "import " + "a . " * (SIZE // 4 - 8) + "b",
    "dotted import on lines": "import " + "a.\\\n" * (SIZE // 4 - 8) + "b",
    "dotted from": "from " + "a." * (SIZE // 2 - 16) + "b import c",
    "minus": "-" * (SIZE - 1) + "1",
    "not": "not " * (SIZE // 4 - 1) + "1",
    "attributes": "a" + ".b" * (SIZE // 2 - 1),
    "sum": "1" + "+1" * (SIZE // 2 - 1),
    "calls": "f" + "()" * (SIZE // 2 - 1),
    "items": "a" + "[0]" * (SIZE // 3 - 1),
    "powers": "1" + "**1" * (SIZE // 3 - 1),
    "lambdas": "lambda:" * (SIZE // 7 - 1) + "1",
    "conditions": "1 if 1 else " * (SIZE // 12 - 1) + "1",
    "elifs": "if 1:\n 1\n" + "elif 1:\n 1\n" * (SIZE // 11 - 2),
    "too long": "x = 1\n" * SIZE,
    "stars": "".join(f"from a{n} import *\n" for n in range(1000)) + "b\n" * 5000,
    "long module": "from " + "a" * (SIZE // 2) + " import " + "b," * (SIZE // 4 - 8) + "b",
}
# Each part of one side could be taken for each part of the other.
PART = SIZE // 8
CROSSED = {
    "targets and items": "for " + "a," * (PART // 4 - 6) + " in (" + "1," * (PART // 4 - 6) + "):1",
    "targets and items of a comprehension": (
        "[0 for " + "a," * (PART // 4 - 6) + " in (" + "1," * (PART // 4 - 6) + ")]"
    ),
    "inner targets and items": (
        "for (" + "a," * (PART // 4) + "), in (" + "(1,)," * (PART // 10 - 6) + "):1"
    ),
    "deep targets and items": (
        "for " + "(" * 50 + "a," * (PART // 4) + "),)" * 25
        + " in (" + ("(" * 25 + "1" + ",)" * 25 + ",") * 30 + "):1"
    ),
    "written items": "for " + "a[1+1]," * (PART // 14 - 6) + " in (" + "1," * (PART // 4) + "):1",
    "star targets": "for " + "(*a,)," * (PART // 12 - 6) + " in (" + "1," * (PART // 4) + "):1",
    "assigned targets": "a," * (PART // 4 - 6) + "= " + "1," * (PART // 4 - 6),
    "long path and attributes": (
        "import " + "b" * (PART // 2) + " as a\n" + "a.b\n" * (PART // 8 - 8)
    ),
    "long paths and uses": (
        "".join(f"a=b{n}" + ".c" * 90 + "\n" for n in range(16)) + "a\n" * (PART // 2 - 1600)
    ),
    "long text and its uses": (
        f"a='{'v' * (PART // 2)}'\nexec(f\"" + "{a}" * (PART // 6 - 16) + '")'
    ),
    "long key and its uses": (
        f"a='{'v' * (PART // 2)}'\n" + "".join(f"v=b{n}.__dict__\n" for n in range(32))
        + "v[a]\n" * (PART // 10 - 120)
    ),
}  # fmt: skip
DEAR = {
    "brackets": "(" * SIZE,
    "nested brackets": "(" * 190 + "1" + ")" * 190,
    "names": "a=" * (SIZE // 8) + "1",
    "bindings and uses": "a=1\n" * 2000 + "a\n" * 4000,
    "doubling texts": "a='" + "v" * 900 + "'\n" + "\n".join(f"a=a+a+'{n}'" for n in range(800)),
    "doubling": "\n".join(f"a{n}=a{n - 1}+a{n - 1}" for n in range(1, 1000)),
    "evals": 'exec("a")\n' * 1500,
    "pieced evals": "s='" + "1;" * 400 + "'\n" + "\n".join(f"exec(s+'{n}')" for n in range(900)),
    "functions": "def f(x):f(x)\n" * 1000,
    "parameters": f"def f({','.join(f'a{n}' for n in range(1000))}):1\n" + "f(x)\n" * 1000,
    "many paths": "\n".join(f"a=a.b{n}" for n in range(1500)),
    "long loop": "for " + "a," * (SIZE // 4 - 6) + "in(" + "1," * (SIZE // 4 - 6) + "):1",
    "scopes": "\n".join(f"def f{n}(x):\n for v in x:f{n + 1}(x)" for n in range(400)),
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_text_that_cannot_be_looked_through_breaks_every_rule(text: str) -> None:
    found = find_violations(STRICT, text)
    assert [one.what for one in found] == ["unreadable", "unreadable"]
    assert "nested too deeply" in found[0].message.render("en")


@pytest.mark.parametrize("name", [name for name in BOMBS if name.startswith("dotted")])
def test_dotted_name_of_a_module_is_refused_before_it_is_parsed(name: str) -> None:
    """One of 64 KB makes Python's parser itself take a gigabyte."""
    tracemalloc.start()
    find_violations(STRICT, BOMBS[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20


@pytest.mark.parametrize("text", CROSSED.values(), ids=CROSSED)
def test_looking_through_a_text_takes_room_in_proportion_to_it(text: str) -> None:
    assert len(text) <= PART
    tree = parse(text)
    assert tree is not None
    tracemalloc.start()
    names = Names.of(tree)
    for use in names.uses:
        if isinstance(use.node, ast.expr):
            names.paths(use.node)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    bound = [one for scope in names.scopes.values() for one in chain(*scope.bound.values())]
    assert len(bound) <= len(text)
    assert peak < 400 * len(text)


@pytest.mark.parametrize(
    "text", [*BOMBS.values(), *DEAR.values(), *CROSSED.values()], ids=[*BOMBS, *DEAR, *CROSSED]
)
def test_no_text_hangs_or_crashes_a_thread_of_the_server(text: str) -> None:
    """Threads have a smaller stack than the main one, and the server looks at texts in them."""
    ended = []
    thread = threading.Thread(
        target=lambda: ended.append(find_violations(STRICT, text)), daemon=True
    )
    thread.start()
    thread.join(60)
    assert ended


WORDS = (
    "x np . , : ; = == ( ) [ ] { } lambda for in if else while def f class import from as numpy "
    "var global nonlocal exec eval getattr ' \" 'var' 1 * ** + - @ \n \n  \n\t return yield await "
    "with try except match case _ := -> ... \\ # \0 \ud800 é"
)
ATOMS = st.sampled_from(WORDS.split(" "))


@settings(max_examples=100, deadline=None)
@given(st.lists(ATOMS, max_size=60).map(" ".join) | st.text(max_size=200))
def test_no_text_crashes_the_finder(text: str) -> None:
    for one in find_violations(STRICT, text):
        assert one.line >= 1
