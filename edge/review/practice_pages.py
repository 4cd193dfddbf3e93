"""The page of practice: a clip, a question, what was right in slow motion, and how sure a score is."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edge.practice.course import Course
from edge.practice.trial import CHANCE_REGION, CHANCE_SIDE, REGIONS, SIDES, STILL_SHARE
from edge.review.access import Door
from edge.review.desk import admitted, admitted_form, one
from edge.review.guard import Guard
from edge.review.interpretation import N_
from edge.review.site import application, desk_for

PRACTICE_WORDS = (
    *(N_("brow"), N_("nose"), N_("mouth"), N_("chin"), N_("left"), N_("right"), N_("both")),
    *(N_("Drawing the clip …"), N_("Watch."), N_("Nothing moved but the head."), N_("It was:")),
    *(N_("Right."), N_("Not seen."), N_("There was nothing to see."), N_("Seen, but elsewhere.")),
    *(N_("Seen, on another side."), N_("This clip stuttered and does not count.")),
    *(N_("too few to say"), N_("above chance"), N_("below chance"), N_("not different from chance")),
)


def build_practice(course: Course, data_dir: Path, hosts: list[str]) -> tuple[ASGIApp, Door]:
    """The application, and the door that gives out links to it.

    Parameters
    ----------
    course : Course
    data_dir : Path
    hosts : list of str
        Host headers that are served.
    """
    desk = desk_for(data_dir, hosts, "http", "")
    app = application(_routes(), desk)
    app.state.course = course
    return Guard(app, hosts), desk.door


def _routes() -> list[Route]:
    return [
        Route("/", page, methods=["GET"]),
        Route("/next", next_clip, methods=["POST"]),
        Route("/clips/{number:int}.png", picture, methods=["GET"]),
        Route("/answer", answer, methods=["POST"]),
    ]


def page(request: Request) -> Response:
    """The page; its script asks for clips."""
    desk, _ = admitted(request)
    course: Course = request.app.state.course
    values = {
        "regions": REGIONS,
        "sides": SIDES,
        "score": course.score(),
        "days": course.days(),
        "thresholds": course.thresholds(),
        "chance_region": CHANCE_REGION,
        "chance_side": CHANCE_SIDE,
        "still_share": STILL_SHARE,
        "words_of_script": desk.translate(request, PRACTICE_WORDS),
    }
    return desk.page(request, "practice.html", values)


async def next_clip(request: Request) -> Response:
    """Draw another clip."""
    await admitted_form(request)
    course: Course = request.app.state.course
    return JSONResponse(await run_in_threadpool(course.next_clip))


def picture(request: Request) -> Response:
    """All pictures of the clip that is shown, one below the other."""
    admitted(request)
    course: Course = request.app.state.course
    content = course.picture(request.path_params["number"])
    if content is None:
        raise HTTPException(404, "this clip is not shown any more; take the next one")
    return Response(content, media_type="image/png")


async def answer(request: Request) -> Response:
    """Take in an answer; what was right."""
    _, _, form = await admitted_form(request)
    course: Course = request.app.state.course
    numbers = [one(form, name) for name in ("number", "n_skipped")]
    if not all(text.isdecimal() and len(text) < 9 for text in numbers):
        raise HTTPException(400, "number and n_skipped should be numbers")
    given = (one(form, "moved") == "yes", one(form, "region"), one(form, "side"))
    told = await run_in_threadpool(course.answer, int(numbers[0]), *given, int(numbers[1]))
    return JSONResponse(told)
