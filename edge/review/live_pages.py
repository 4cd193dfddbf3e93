"""The live view: what a run shows as it goes, for aiming and demonstration; a mark, a pause, going on."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from edge.anatomy import AUX_NAMES, CHANNEL_QUANTA, N_SIGNALS, SIGNALS
from edge.live.wishes import wish_pause
from edge.record.annotate import mark_now
from edge.review.desk import admitted, admitted_form, one
from edge.review.interpretation import N_
from edge.review.replay import face_lines
from edge.review.shown import SCRIPT_WORDS
from edge.review.viewer import Viewer

_MARK_MAX = 200
# the light's states and what the page's script writes
LIVE_WORDS = (
    *(N_("watching"), N_("learning"), N_("sparing"), N_("no face"), N_("paused"), N_("asking")),
    *(N_("deletable"), N_("deleted"), N_("fault"), N_("off"), N_("no run"), N_("starting")),
    *(N_("brow"), N_("eyes"), N_("nose"), N_("cheek"), N_("mouth"), N_("jaw"), N_("lids"), N_("head")),
    *(N_("frames/s"), N_("of"), N_("blink"), N_("face found"), N_("face lost"), N_("micro"), N_("macro")),
    *(N_("during blink"), N_("during speech"), N_("silent for"), N_("not reachable; reload the page")),
    *(N_("degrees below the limit"), N_("missing"), N_("lost"), N_("GB free"), N_("undervoltage")),
    *(N_("doing less"), N_("nothing to remark"), N_("face about"), N_("light"), N_("points held")),
    *(N_("come closer, or zoom in: 120 px are needed"), N_("more light from the front"), N_("less light")),
)


def routes() -> list[Route]:
    """What the live view answers."""
    return [
        Route("/live", page, methods=["GET"]),
        Route("/live.json", values, methods=["GET"]),
        Route("/live/pause", pause, methods=["POST"]),
        Route("/live/go-on", go_on, methods=["POST"]),
        Route("/live/mark", mark, methods=["POST"]),
    ]


def page(request: Request) -> Response:
    """The page itself; its script asks for values."""
    desk, _ = admitted(request)
    shown = {
        "signals": [(signal.name, signal.region, signal.side) for signal in SIGNALS],
        "aux": AUX_NAMES,
        "quanta": CHANNEL_QUANTA.tolist(),
        "n_signals": N_SIGNALS,
        "lines": face_lines(),
    }
    words = desk.translate(request, (*LIVE_WORDS, *SCRIPT_WORDS))
    said = request.query_params.get("said", "")
    return desk.page(request, "live.html", {"shown": shown, "words_of_script": words, "said": said})


async def values(request: Request) -> Response:
    """What is new since the frame that the script knows."""
    admitted(request)
    text = request.query_params.get("after", "0")
    if not text.isdecimal() or len(text) > 18:
        raise HTTPException(400, "after should be a sensor time in microseconds")
    viewer: Viewer = request.app.state.viewer
    return JSONResponse(viewer.look(int(text)))


async def pause(request: Request) -> Response:
    """Wish that nobody is watched."""
    return await _wished(request, True)


async def go_on(request: Request) -> Response:
    """Wish that it goes on."""
    return await _wished(request, False)


async def mark(request: Request) -> Response:
    """Put a mark at this moment into the running session."""
    desk, _, form = await admitted_form(request)
    text = one(form, "text", _MARK_MAX)
    if not text:
        raise HTTPException(400, "a mark needs words")
    await run_in_threadpool(mark_now, desk.library.data_dir, text)
    return RedirectResponse("/live?said=marked", 303)


async def _wished(request: Request, is_paused: bool) -> Response:
    desk, _, _ = await admitted_form(request)
    wish_pause(desk.library.data_dir, is_paused)
    return RedirectResponse(f"/live?said={'paused' if is_paused else 'going-on'}", 303)
