"""Translation at the moment of display."""

from __future__ import annotations

import json

from app.kit.i18n import DEFAULT_LOCALE, Message, current_locale, message, ngettext, use_locale


def test_language_is_that_of_the_context() -> None:
    assert current_locale() == DEFAULT_LOCALE == "zh"
    with use_locale("en"):
        assert current_locale() == "en"
        with use_locale("zh"):
            assert current_locale() == "zh"
        assert current_locale() == "en"
    assert current_locale() == "zh"


def test_values_fill_the_fields() -> None:
    assert message("{a} of {b}", a=1, b="x").render("en") == "1 of x"


def test_values_are_not_filled_in_themselves() -> None:
    assert message("<{a}>", a="{b}").render("en") == "<{b}>"


def test_text_without_values_may_contain_braces() -> None:
    assert Message("{not a field}").render("en") == "{not a field}"


def test_message_inside_a_message_speaks_the_same_language() -> None:
    with use_locale("en"):
        assert str(message("{why}!", why=message("Please sign in."))) == "Please sign in.!"
    with use_locale("zh"):
        told = message("{why}!", why=message("Please sign in."))
        assert told.render("en") == "Please sign in.!"


def test_message_is_kept_as_plain_data_and_translated_later() -> None:
    why = message("{why}!", why=message("Please sign in."))
    kept = Message.from_json(json.loads(json.dumps(why.as_json())))
    assert kept == why


def test_counts_choose_the_form() -> None:
    with use_locale("en"):
        assert ngettext("one thing", "more things", 1) == "one thing"
        assert ngettext("one thing", "more things", 2) == "more things"
