"""Translation: message ids are English, catalogs are gettext, the language is per context."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Locale = Literal["zh", "en"]
LOCALES: tuple[Locale, ...] = ("zh", "en")
DEFAULT_LOCALE: Locale = "zh"
CATALOGS = Path(__file__).resolve().parents[1] / "locale"

_current: ContextVar[Locale] = ContextVar("locale", default=DEFAULT_LOCALE)


@dataclass(frozen=True, slots=True)
class Message:
    """A text that is translated only where it is shown.

    `text` is the English message id; `values` fill its ``{name}`` fields.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def render(self, locale: Locale | None = None) -> str:
        """Return the text in `locale` (the context's language if none is given)."""
        if not self.values:
            return _(self.text, locale)
        values = {
            name: value.render(locale) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return _(self.text, locale).format_map(values)

    def __str__(self) -> str:
        return self.render()

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, for a person who will read it later in any language."""
        values = {
            name: value.as_json() if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return {"text": self.text, "values": values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """Return the message that `as_json` was called on."""
        values = {
            name: cls.from_json(value) if isinstance(value, dict) else value
            for name, value in data["values"].items()
        }
        return cls(data["text"], values)


def message(text: str, /, **values: object) -> Message:
    """Mark `text` for extraction and for translation at the moment of display."""
    return Message(text, values)


def _(text: str, locale: Locale | None = None) -> str:
    """Translate `text` now, into `locale` or the context's language."""
    return _catalog(locale or _current.get()).gettext(text)


def ngettext(singular: str, plural: str, count: int) -> str:
    """Translate a text that depends on a count."""
    return _catalog(_current.get()).ngettext(singular, plural, count)


def current_locale() -> Locale:
    """Return the language of this context."""
    return _current.get()


@contextmanager
def use_locale(locale: Locale) -> Iterator[None]:
    """Speak `locale` inside the ``with`` block."""
    token = _current.set(locale)
    try:
        yield
    finally:
        _current.reset(token)


@lru_cache
def _catalog(locale: Locale) -> NullTranslations:
    path = CATALOGS / locale / "LC_MESSAGES" / "messages.mo"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        return GNUTranslations(file)
