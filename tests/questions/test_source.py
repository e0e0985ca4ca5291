"""Reading YAML: what it means, where it stands, and what is refused before it can do harm."""

from __future__ import annotations

import math

import pytest

from app.questions.nodes import MAX_NODES, SourceError
from app.questions.source import MAX_BYTES, read_source


def refusals(raw: bytes) -> list[tuple[int, int, str]]:
    with pytest.raises(SourceError) as caught:
        read_source(raw)
    return [(*problem.position, problem.message.render("en")) for problem in caught.value.problems]


BOMB = (
    b"a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
    b"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
    b"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
)

REFUSED: dict[str, tuple[bytes, int, int, str]] = {
    "an empty file": (b"", 1, 1, "The file is empty."),
    "only a comment": (b"# nothing\n", 1, 1, "The file is empty."),
    "a list": (b"\n- a\n", 2, 1, "A file must be a mapping of keys to values, not a list."),
    "a text": (b"hello\n", 1, 1, "A file must be a mapping of keys to values, not a single value."),
    "a second document": (b"a: 1\n---\nb: 2\n", 2, 1, "A file holds one document"),
    "a key twice": (b"a: 1\nb: 2\na: 3\n", 3, 1, 'The key "a" is already in line 1.'),
    "a key twice further in": (
        b"a:\n  - {b: 1, b: 2}\n",
        2,
        12,
        'The key "b" is already in line 2.',
    ),
    "a number for a key": (b"a: {1: x}\n", 1, 5, "A key must be a text; put it in quotes."),
    "a list for a key": (b"? [a]\n: b\n", 1, 3, "A key must be a text, not a list or a mapping."),
    "a tag": (b"a: !foo 1\n", 1, 4, 'The tag "!foo" is not allowed.'),
    "a tag that makes objects": (
        b"a: !!python/object/apply:os.system [id]\n",
        1,
        4,
        'The tag "tag:yaml.org,2002:python/object/apply:os.system" is not allowed.',
    ),
    "a tag of a mapping": (
        b"a: !!set {}\n",
        1,
        4,
        'The tag "tag:yaml.org,2002:set" is not allowed.',
    ),
    "an unknown alias": (b"a: *b\n", 1, 4, 'There is no complete value "&b" above.'),
    "a value that holds itself": (b"a: &a\n  - *a\n", 2, 5, 'There is no complete value "&a"'),
    "deep nesting": (b"a: " + b"[" * 5000, 1, 43, "Nested more than 40 levels deep."),
    "too many anchors": (
        b"".join(b"k%d: &a%d 1\n" % (i, i) for i in range(20)),
        17,
        6,
        "The file has more than 16 anchors.",
    ),
    "aliases of aliases": (
        BOMB,
        5,
        35,
        f"The file holds more than {MAX_NODES} values.",
    ),
    "a large file": (b"#" * (MAX_BYTES + 1), 1, 1, "The file is larger than 512 KB."),
    "a long number": (b"a: " + b"9" * 5000, 1, 4, "A number has at most 40 digits."),
    "bytes that are no UTF-8": (
        b"a: 1\nb: '\xe4\xb8\xad\xff'\n",
        2,
        6,
        "The file is not valid UTF-8.",
    ),
    "a NUL byte": (b"a: 1\nb: x\0y\n", 2, 5, "The character U+0000 is not allowed in a file."),
    "a NUL by escape": (b'a: "\\0"\n', 1, 4, "The character U+0000 is not allowed in a text."),
    "half a character": (b'a: "\\ud800"\n', 1, 4, "The character U+D800 is not allowed in a text."),
    "a hidden line break": (b"a: x\xe2\x80\xa8y\n", 1, 5, "The character U+2028 is not allowed"),
    "an open quote": (b"a: 1\nb: 'x\nc: 2\n", 2, 4, "This is never closed: "),
    "a tab": (b"a:\n\tb: 1\n", 2, 1, "A tab cannot be used for indentation; use spaces."),
    "a colon in a text": (b"a: b: c\n", 1, 5, "A colon is not expected here; "),
    "a reserved character": (b"a: @b\n", 1, 4, "A text that begins with this character must be "),
    "wrong indentation": (b"a:\n  - b\n c: d\n", 3, 2, "This line is not indented like the lines "),
    "a colon in braces": (b"a: {en: one: two}\n", 1, 12, "In brackets, put a text with a colon "),
    "a colon in a list": (b"a: [b: c: d]\n", 1, 9, "In brackets, put a text with a colon "),
    "a missing comma": (b"a: ['x' 'y']\n", 1, 9, "A comma is missing here, or a bracket; "),
    "a missing colon": (b"a: 1\nbcd\ne: 2\n", 2, 1, "A colon is missing after this key, "),
    "a missing value": (b"a: [1, 2}\n", 1, 9, "A comma is missing here, or a bracket"),
    "an empty item": (b"a: {b: ]}\n", 1, 8, "A value is missing here."),
    "a list beside its key": (b"a: - b\n", 1, 4, "A list begins on a line of its own."),
    "a formula in quotes": (b'a: "$\\pi$"\n', 1, 7, "In double quotes a backslash is special; "),
    "a block beside its sign": (b"a: | text\n", 1, 6, "A block of text begins in the line "),
    "emphasis": (b"a: * b\n", 1, 5, "A text that begins with this character must be "),
    "an exclamation": (b"a: !b!c d\n", 1, 4, "A text that begins with ! must be put in quotes."),
    "a later version": (b"%YAML 3.0\n---\na: 1\n", 1, 1, "This is not valid YAML: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_at_its_place(name: str) -> None:
    raw, line, column, text = REFUSED[name]
    ((at, by, found),) = refusals(raw)
    assert (at, by, found[: len(text)]) == (line, column, text)


def test_what_leaves_the_rest_readable_is_refused_all_at_once() -> None:
    assert [(line, column) for line, column, _ in refusals(b"a: !x 1\na: 2\n3: c\n")] == [
        (1, 4),
        (2, 1),
        (3, 1),
    ]


def test_a_message_quotes_only_the_beginning_of_a_long_name() -> None:
    long = b"x" * 100_000
    for raw in (b"a: *" + long, b"a: !" + long + b" 1", b"%b: 1\n%b: 2" % (long, long)):
        ((_, _, text),) = refusals(raw)
        assert len(text) < 150


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("n", "n"),
        ("2024-01-31", "2024-01-31"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("true", True),
        ("~", None),
        ("", None),
        ("1e-6", 1e-6),
        (".5", 0.5),
        ("1.", 1.0),
        ("007", 7),
        ("-3", -3),
        ("0o17", 15),
        ("0x1f", 31),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("-.inf", -math.inf),
        ("[]", []),
    ],
)
def test_values_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = read_source(f"%YAML 1.1\n---\na: {text}\n".encode()).data["a"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(read_source(b"a: .nan").data["a"])


def test_an_alias_is_what_it_stands_for() -> None:
    source = read_source(b"a: &x {b: 1}\nc: *x\n")
    assert source.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert source.value(("c",)) == (2, 4)
    assert source.value(("c", "b")) == (1, 11)


def test_merge_keys_are_plain_keys() -> None:
    assert read_source(b"a: &x {b: 1}\n<<: *x\n").data["<<"] == {"b": 1}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    source = read_source("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n".encode())
    assert source.data == {"a": 1, "b": "x\ny\n"}
    assert source.key(("b",)) == (2, 1)
    assert source.inside(("b",), 2, 0) == (4, 3)


def test_a_key_and_its_value_have_places() -> None:
    source = read_source("a:\n  - b: 中\n    c: [1, {d: 2}]\n".encode())
    assert source.key(("a", 0, "c")) == (3, 5)
    assert source.value(("a", 0, "c", 1, "d")) == (3, 16)
    assert source.key(("a", 0)) == (2, 5)
    assert source.about(("a",)) == (1, 1)
    assert source.about(("a", 0, "b")) == (2, 8)


def test_steps_that_are_not_in_the_file_are_skipped() -> None:
    source = read_source(b"a:\n  b: 1\n")
    assert source.value(("tag", "a", "b", "missing")) == (2, 6)
    assert source.key(()) == (1, 1)


def test_a_line_of_a_literal_block_is_a_line_of_the_file() -> None:
    source = read_source(b"a:\n  b: |-  # why\n\n      x\n        y\n  c: |2\n      z\n  d: |\n")
    assert source.data["a"]["b"] == "\nx\n  y"
    assert source.inside(("a", "b"), 3, 2) == (5, 9)
    assert source.data["a"]["c"] == "  z\n"
    assert source.inside(("a", "c"), 1, 2) == (7, 7)
    assert source.inside(("a", "d"), 1, 0) == (9, 1)


def test_any_other_text_is_pointed_at_as_a_whole() -> None:
    source = read_source(b"a: >\n  x\n  y\nb: 'x\n\n  y'\n")
    assert source.inside(("a",), 2, 0) == (1, 4)
    assert source.inside(("b",), 2, 0) == (4, 4)


def test_a_value_that_is_left_out_stands_where_its_key_stands() -> None:
    source = read_source(b"a:\n\nb:\n  -\n  - c:\n")
    assert source.data == {"a": None, "b": [None, {"c": None}]}
    assert source.value(("a",)) == (1, 1)
    assert source.value(("b", 1, "c")) == (5, 5)
