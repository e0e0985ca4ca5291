"""The cookies we set, all of them HttpOnly and SameSite=Lax."""

from __future__ import annotations

from http.cookies import SimpleCookie

LOGIN = "yimian_login"
VISITOR = "yimian_visitor"
LANGUAGE = "yimian_language"

YEAR = 365 * 24 * 3600


def header(name: str, value: str, *, secure: bool) -> str:
    """Return a Set-Cookie value that scripts cannot read and other sites cannot use.

    An empty `value` removes the cookie.
    """
    cookie: SimpleCookie = SimpleCookie({name: value})
    morsel = cookie[name]
    morsel["path"], morsel["samesite"] = "/", "Lax"
    morsel["max-age"] = str(YEAR if value else 0)
    morsel["httponly"] = True
    morsel["secure"] = secure
    return morsel.OutputString()
