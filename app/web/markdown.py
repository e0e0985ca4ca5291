"""Markdown from people to safe HTML: no raw HTML, formulas as marked spans, then sanitised."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

_BLOCKS = {
    "p",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "div",
}
_TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
_TAGS = _BLOCKS | _TABLES | {"br", "em", "strong", "s", "code", "a", "span"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "span": {"class", "data-tex"},
    "div": {"class", "data-tex"},
    "code": {"class"},
    "ol": {"start"},
}


def _inline(_renderer: object, tokens: Sequence[Token], at: int, *_: object) -> str:
    tex = escape(tokens[at].content.strip())
    return f'<span class="math" data-tex="{tex}">{tex}</span>'


def _block(_renderer: object, tokens: Sequence[Token], at: int, *_: object) -> str:
    tex = escape(tokens[at].content.strip())
    return f'<div class="math math-block" data-tex="{tex}">{tex}</div>\n'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).use(dollarmath_plugin, allow_space=False)
    for name in ("math_inline", "math_inline_double"):
        parser.add_render_rule(name, _inline)
    for name in ("math_block", "math_block_label"):
        parser.add_render_rule(name, _block)
    return parser


_markdown = _parser()
_python = HtmlFormatter(nowrap=True)


def render_markdown(text: str) -> Markup:
    """Return safe HTML; a formula is an element of class ``math`` with its TeX in `data-tex`."""
    html = nh3.clean(
        _markdown.render(text),
        tags=_TAGS,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(html)  # noqa: S704 - nh3 has just made it safe


def render_code(code: str) -> Markup:
    """Return Python code as safe HTML with a class for each kind of token."""
    html = highlight(code, PythonLexer(stripnl=False), _python)
    return Markup('<pre class="code"><code>{}</code></pre>').format(Markup(html))  # noqa: S704 - the formatter escapes
