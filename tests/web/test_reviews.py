"""Nobody reviews their own interview."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.web.conftest import Web


def test_a_mentor_does_not_review_their_own_interview(web: Web) -> None:
    own, others = web.site.start("mentor"), web.site.start("candidate")
    web.site.finish(own)
    web.site.finish(others)
    mentor = web.browser("mentor")
    queue = mentor.get("/reviews").text
    assert others in queue
    assert own not in queue
    assert mentor.get(f"/reviews/{others}").status_code == 200
    assert mentor.get(f"/reviews/{own}").status_code == 404
    assert mentor.post(f"/reviews/{own}", action="publish").status_code == 404
