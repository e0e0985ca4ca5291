"""Makes a document of data with errors in their shape, so that its other rules can be checked."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.questions.diagnostics import models_at
from app.questions.schema import Localized

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from app.questions.source import Loc

D = TypeVar("D", bound=BaseModel)

_BOTH_LANGUAGES = {"zh": "x", "en": "x"}


@dataclass(frozen=True, slots=True)
class Mended(Generic[D]):
    """A document, and the top-level keys below which it is not what the author wrote."""

    document: D
    changed: frozenset[str]


def mend(
    model: type[D], data: Mapping[str, Any], errors: Sequence[ErrorDetails]
) -> Mended[D] | None:
    """Leave out what is wrong, or put a placeholder where something is needed.

    None if that does not help: a list item that lacks its points, say, cannot be made up.
    """
    mended, changed = deepcopy(dict(data)), set()
    for number, error in enumerate(errors):
        loc = _in_data(mended, error["loc"])
        if error["type"] == "extra_forbidden":
            _at(mended, loc[:-1]).pop(loc[-1], None)
        elif not _replace(model, mended, loc, f"x{number}"):
            return None
        # Mended at the top, a key is gone or a mere name; and no rule looks at localized texts.
        if len(loc) > 1 and models_at(model, loc) != {Localized}:
            changed.add(str(loc[0]))
    try:
        return Mended(model.model_validate(mended, strict=True), frozenset(changed))
    except ValidationError:
        return None


def _replace(model: type[BaseModel], data: dict[str, Any], loc: Loc, name: str) -> bool:
    """Mend the innermost thing around `loc` that can do without what the author wrote."""
    for end in range(len(loc), 0, -1):
        holder, step = _at(data, loc[: end - 1]), loc[end - 1]
        field = _field(model, loc[:end])
        if field is None or not isinstance(holder, dict):
            continue
        if not field.is_required():
            holder.pop(step, None)
            return True
        for placeholder in (_BOTH_LANGUAGES, name):
            if _fits(field, placeholder):
                holder[step] = placeholder
                return True
    return False


def _field(model: type[BaseModel], loc: Loc) -> FieldInfo | None:
    for holder in models_at(model, loc[:-1]):
        if field := holder.model_fields.get(str(loc[-1])):
            return field
    return None


def _fits(field: FieldInfo, value: object) -> bool:
    try:
        TypeAdapter[Any](field.rebuild_annotation()).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _in_data(data: object, loc: Loc) -> Loc:
    """Leave out the steps of pydantic's path that name a member of a union or a key."""
    return tuple(_steps(data, loc)) or loc[:1]


def _steps(data: Any, loc: Loc) -> Iterator[str | int]:  # noqa: ANN401  data of any shape
    for number, step in enumerate(loc):
        inner = _at(data, (step,))
        if inner is not None:
            yield step
            data = inner
        elif number == len(loc) - 1 and step != "[key]":
            yield step


def _at(data: Any, loc: Loc) -> Any:  # noqa: ANN401  data of any shape
    """Return what stands at `loc`, or None."""
    for step in loc:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data
