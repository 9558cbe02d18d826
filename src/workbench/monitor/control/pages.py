"""The phone page's files: its own, and those it shares with the risk monitor, read once at the start."""

import hashlib
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

OWN, SHARED = ("monitor/control", "static"), ("monitor/board", "page")
SHARED_FILES = (
    "theme.css", "bar.css", "panels.css", "dom.js", "format.js", "rungs.js", "clock.js", "silence.js", "mode.js",
    "room.js",
)  # fmt: skip
PAGE = "index.html"
WORKER = "worker.js"
TYPES = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml", "webmanifest": "application/manifest+json",
}  # fmt: skip
MARK = b'"VERSION"'
"""Stands in the worker where the version of all files goes: another version is another worker, which fetches anew."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is given away."""

    content: bytes
    media_type: str
    tag: str


def page_files(*, demo: bool = False) -> dict[str, File]:
    """Files by their path.

    Parameters
    ----------
    demo : bool
        Whether the page says that it is a demonstration, before anybody has logged in.

    Returns
    -------
    dict of str to File
        The page itself is ``/``.
    """
    room = files("workbench")
    own = {entry.name: entry.read_bytes() for entry in (room / OWN[0] / OWN[1]).iterdir() if entry.is_file()}
    found = own | {name: (room / SHARED[0] / SHARED[1] / name).read_bytes() for name in SHARED_FILES}
    if demo:
        found[PAGE] = found[PAGE].replace(b'data-demo="no"', b'data-demo="yes"')
    version = hashlib.sha256(b"".join(found[name] for name in sorted(found))).hexdigest()[:16]
    found[WORKER] = found[WORKER].replace(MARK, f'"{version}"'.encode())
    return {_path(name): _file(name, content) for name, content in found.items()}


def _path(name: str) -> str:
    return "/" if name == PAGE else f"/{name}"


def _file(name: str, content: bytes) -> File:
    return File(content, TYPES[name.rpartition(".")[2]], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def page_routes(*, demo: bool = False) -> list[Route]:
    """Doors of the page.

    Parameters
    ----------
    demo : bool
        See `page_files`.

    Returns
    -------
    list of Route
        For GET and HEAD alone.
    """
    return [Route(path, partial(_give, file), methods=["GET"]) for path, file in page_files(demo=demo).items()]


async def _give(file: File, request: Request) -> Response:
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
