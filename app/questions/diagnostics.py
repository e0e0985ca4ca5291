"""What is wrong with a file, where, and in words for the person who wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel
from rapidfuzz import fuzz, process

from app.kit.i18n import message
from app.questions.nodes import shortened
from app.questions.schema import (
    CRITERION_ID_PATTERN,
    DOTTED_NAME_PATTERN,
    IDENTIFIER_PATTERN,
    SLUG_PATTERN,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pydantic_core import ErrorDetails

    from app.kit.i18n import Message
    from app.questions.nodes import Position, Problem
    from app.questions.source import Loc, Source

Severity = Literal["error", "warning"]

_SIMILAR = 65  # per cent of characters in common; below that a guess is no help


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem of a file; line and column count from 1."""

    path: str
    line: int
    column: int
    message: Message
    severity: Severity = "error"

    def text(self) -> str:
        """Return ``file:line:col: message`` in the language of the context."""
        text = (
            message("warning: {text}", text=self.message)
            if self.severity == "warning"
            else self.message
        )
        return f"{self.path}:{self.line}:{self.column}: {text}"

    def as_json(self) -> dict[str, str | int]:
        """Return it as plain data, the message in the language of the context."""
        return {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "severity": self.severity,
            "message": str(self.message),
        }


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by file, then by place, each problem once."""
    unique = {(d.path, d.line, d.column, d.message.render("en")): d for d in diagnostics}
    return [unique[key] for key in sorted(unique)]


def from_problems(path: str, problems: Iterable[Problem]) -> list[Diagnostic]:
    """Return the refusals of a file that could not be read."""
    return [Diagnostic(path, *problem.position, problem.message) for problem in problems]


def from_errors(
    path: str, source: Source, model: type[BaseModel], errors: Iterable[ErrorDetails]
) -> list[Diagnostic]:
    """Return what `model` found wrong with the data of `source`."""
    return [
        Diagnostic(path, *_place(source, error), explain(error, model), "error") for error in errors
    ]


def closest(word: str, choices: Collection[str]) -> str | None:
    """Return the choice that was probably meant, if any is similar enough."""
    best = process.extractOne(word, list(choices), scorer=fuzz.ratio, score_cutoff=_SIMILAR)
    return best[0] if best else None


def explain(error: ErrorDetails, model: type[BaseModel]) -> Message:
    """Return pydantic's error in our words."""
    return (
        _about_key(error, model)
        or _about_choice(error)
        or _about_value(error["type"], error.get("ctx", {}))
        or message("Not allowed here: {problem}.", problem=error["msg"])
    )


def known_keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys of the mapping at `loc`: of every model that may stand there."""
    return sorted({name for found in models_at(model, loc) for name in found.model_fields})


def models_at(model: type[BaseModel], loc: Loc) -> set[type[BaseModel]]:
    """Return the models that may stand at `loc` in data of `model`."""
    models = {model}
    for step in loc:
        below = {found for outer in models for found in _models_below(outer, step)}
        # A list index, or the name of a union's member, stays with the same models.
        models = below or models
    return models


def one_of(given: object, choices: Collection[str]) -> Message:
    """Say which values are allowed, and which one was probably meant."""
    listed, guess = ", ".join(choices), closest(str(given), choices)
    if guess is None:
        return message("This must be one of: {choices}.", choices=listed)
    return message(
        'This must be one of: {choices}. Did you mean "{guess}"?', choices=listed, guess=guess
    )


def _place(source: Source, error: ErrorDetails) -> Position:
    kind, loc = error["type"], error["loc"]
    if kind in {"missing", "union_tag_not_found"}:
        return source.key(loc)
    if kind == "extra_forbidden" or loc[-1:] == ("[key]",):
        return source.key(loc)
    if kind == "union_tag_invalid":
        return source.value((*loc, _discriminator(error["ctx"])))
    return source.value(loc)


def _discriminator(context: Mapping[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _models_below(model: type[BaseModel], step: str | int) -> set[type[BaseModel]]:
    field = model.model_fields.get(str(step))
    return _models_in(field.annotation) if field else set()


def _models_in(annotation: Any) -> set[type[BaseModel]]:  # noqa: ANN401  type expressions have no type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for part in get_args(annotation) for found in _models_in(part)}


def _about_key(error: ErrorDetails, model: type[BaseModel]) -> Message | None:
    kind, loc = error["type"], error["loc"]
    if kind == "extra_forbidden":
        key = shortened(str(loc[-1]))
        if error["input"] is None and " " in key:
            return _rest_of_text(key)
        return _unknown_key(key, known_keys(model, loc[:-1]))
    if kind == "missing":
        return message('The key "{key}" is missing.', key=loc[-1])
    if kind == "union_tag_not_found":
        return message('The key "{key}" is missing.', key=_discriminator(error["ctx"]))
    if kind in {"model_type", "model_attributes_type"}:
        keys = ", ".join(known_keys(model, loc))
        return message("This must be a mapping with the keys {keys}.", keys=keys)
    return None


def _about_choice(error: ErrorDetails) -> Message | None:
    if error["type"] not in {"literal_error", "union_tag_invalid"}:
        return None
    context = error["ctx"]
    listed = str(context.get("expected") or context.get("expected_tags"))
    return one_of(context.get("tag", error["input"]), re.findall(r"'([^']*)'", listed))


def _about_value(kind: str, context: Mapping[str, Any]) -> Message | None:
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"])
    if kind in _BOUNDS:
        template, bound = _BOUNDS[kind]
        return message(template.text, limit=context[bound])
    return _TYPES.get(kind)


def _rest_of_text(key: str) -> Message:
    """Explain what ``{en: one, two words}`` means in YAML: a key without a value."""
    return message('Unknown key "{key}". In braces, put a text with a comma in quotes.', key=key)


def _unknown_key(key: str, known: list[str]) -> Message:
    guess = closest(key, known)
    if guess is not None:
        return message('Unknown key "{key}". Did you mean "{guess}"?', key=key, guess=guess)
    return message('Unknown key "{key}". Known keys: {keys}.', key=key, keys=", ".join(known))


_PATTERNS = {
    SLUG_PATTERN: message("Use lower-case letters and digits, with single hyphens between them."),
    CRITERION_ID_PATTERN: message(
        "Use lower-case letters, digits and underscores, a letter first."
    ),
    IDENTIFIER_PATTERN: message("This must be a Python name: letters, digits and underscores."),
    DOTTED_NAME_PATTERN: message(
        "This must be a Python name, dots allowed, without brackets: np.var, torch."
    ),
}

_TYPES = {
    "string_type": message("This must be a text; put it in quotes if it looks like a number."),
    "string_too_short": message("This text must not be empty."),
    "bool_type": message("This must be true or false."),
    "int_type": message("This must be a whole number."),
    "int_from_float": message("This must be a whole number."),
    "float_type": message("This must be a number."),
    "finite_number": message("This must be a finite number."),
    "list_type": message("This must be a list."),
    "dict_type": message("This must be a mapping of names to values."),
}

# Each with the name under which pydantic tells the bound.
_BOUNDS = {
    "greater_than": (message("This must be greater than {limit}."), "gt"),
    "greater_than_equal": (message("This must be at least {limit}."), "ge"),
    "less_than_equal": (message("This must be at most {limit}."), "le"),
    "multiple_of": (message("This must be a multiple of {limit}."), "multiple_of"),
    "string_too_long": (message("At most {limit} characters are allowed."), "max_length"),
    "too_short": (message("At least {limit} are needed."), "min_length"),
    "too_long": (message("At most {limit} are allowed."), "max_length"),
}
