"""Puts routes, middleware and error handling together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.gzip import GZipMiddleware

from app.web import error_pages
from app.web.api import attempts as attempts_api
from app.web.api import interviews as interviews_api
from app.web.api import operation, preview
from app.web.dependencies import authorise, require_csrf_token
from app.web.middleware import (
    BodyLimitMiddleware,
    FreshCookiesMiddleware,
    LanguageMiddleware,
    RequestLogMiddleware,
    SecurityHeadersMiddleware,
)
from app.web.pages import accounts, admin, attempts, home, interviews, papers, reviews
from app.web.permissions import ACCESS
from app.web.rate_limit import SignInLimiter
from app.web.static_files import HashedFiles
from app.web.templating import DIST

if TYPE_CHECKING:
    from app.workflows.runtime import Runtime

PAGES = (home, accounts, papers, interviews, attempts, reviews, admin)
API = (attempts_api, interviews_api, preview)


def create_application(runtime: Runtime) -> FastAPI:
    """Return the web application; refuses to start with a route that states no permission."""
    require_permissions()
    guards = [Depends(require_csrf_token), Depends(authorise)]
    app = FastAPI(title="Yimian", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.runtime = runtime
    app.state.sign_in_limiter = SignInLimiter()
    for page in PAGES:
        app.include_router(page.router, dependencies=guards)
    for api in API:
        app.include_router(api.router, prefix="/api", dependencies=guards)
    app.include_router(operation.router)
    app.mount("/static", GZipMiddleware(HashedFiles(directory=DIST, check_dir=False)))
    error_pages.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimitMiddleware)
    # FastAPI's own is outside of everything, where nothing sets headers or speaks a language.
    app.add_middleware(ServerErrorMiddleware, handler=error_pages.unexpected)
    app.add_middleware(FreshCookiesMiddleware, secure=runtime.settings.secure_cookies)
    app.add_middleware(LanguageMiddleware)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(RequestLogMiddleware)
    return app


def require_permissions() -> None:
    """Raise unless the permission table names every route and nothing else."""
    routes = [route for module in (*PAGES, *API, operation) for route in module.router.routes]
    names = {route.name for route in routes if isinstance(route, APIRoute)}
    if names != ACCESS.keys():
        differing = ", ".join(sorted(names ^ ACCESS.keys()))
        raise RuntimeError(f"routes and the permission table differ: {differing}")
