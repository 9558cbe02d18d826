"""The few doors of the monitor's server: the page, its kernel's channel, and files of programs. All else is not there.

The server's own libraries bring many more (contents, terminals, execution, shutdown, other notebooks, login forms);
none of them is opened. A viewer's messages reach only the kernel of the viewer's own page, and of those only the ones
widgets need.
"""

from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from tornado import web
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from voila.static_file_handler import MultiStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from workbench.monitor.headers import safe_headers

if TYPE_CHECKING:

    class Line(web.RequestHandler):
        """What is used of the library's channel, which has no types."""

        kernel_id: str
        kernel_manager: Container[str]

        async def pre_get(self) -> None:
            """Connect it to the kernel."""

else:
    from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler as Line

HOSTS = r"^(127\.0\.0\.1|localhost)$"
KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget")
"""Programs in the browser that widgets need; of 23 MB that may be installed they are the smaller part."""
MESSAGES = ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request")
"""What a page may send to its kernel: nothing that runs code, interrupts, debugs or shuts down."""
MOST_VIEWERS = 20
HEADERS = safe_headers(
    (
        "script-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
    )
)
"""Scripts come from this server, or through a blob that one of them has made: so the board comes. Styles too."""
REFUSED = "This page opens only with the address, token included, that was printed when its server was started."
AGAIN_SECONDS = 15
"""After which a browser asks by itself again for a page that could not be given."""
FULL = f"{MOST_VIEWERS} pages are open, more are not allowed: close one and wait half a minute."


class SafeHeaders(web.OutputTransform):
    """Puts the same headers on every answer, whoever made it."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Change the headers of an answer.

        Parameters
        ----------
        status_code, headers, chunk, finishing : int, HTTPHeaders, bytes, bool
            The answer as it is.

        Returns
        -------
        tuple
            Status, headers and first bytes.
        """
        for name, value in HEADERS.items():
            headers[name] = value
        if "Server" in headers:
            del headers["Server"]
        return status_code, headers, chunk


class Plain(web.RequestHandler):
    """Answers an error with one sentence: the libraries' own pages of errors need files that are not there."""

    def write_error(self, status_code: int, **_more: Any) -> None:
        """Answer in one sentence.

        Parameters
        ----------
        status_code : int
            Why.
        **_more : object
            Not told to strangers.
        """
        plain(self, status_code, "There is nothing here.")


class Stranger(Plain):
    """Whatever is not among the doors, and every request under another host's name."""

    async def prepare(self) -> None:
        """Refuse."""
        raise web.HTTPError(404)


def refuse(_door: web.RequestHandler) -> str:
    """Refuse who has no token: there is no form to log in with.

    Parameters
    ----------
    _door : RequestHandler
        Who was asked.

    Returns
    -------
    str
        Never.
    """
    raise web.HTTPError(403)


class Page(TornadoVoilaHandler):  # type: ignore[misc]
    """The board: each page gets a kernel of its own."""

    get_login_url = refuse

    async def get(self, path: str | None = None) -> None:
        """Give the page, or the reason why not; a token is taken off the address at once.

        Parameters
        ----------
        path : str, optional
            There is only one page.
        """
        if not self.current_user:
            raise web.HTTPError(403)
        if "token" in self.request.query_arguments:
            # not a redirect: to a browser that came by a link of another site its cookie would not belong
            self.set_header("Refresh", f"0; url={self.base_url}")
            self.set_header("Cache-Control", "no-store")
            self.finish("<!doctype html><html lang=en><title>Opening</title><p>Opening the page.")
            return
        if len(list(self.kernel_manager.list_kernel_ids())) >= MOST_VIEWERS:
            raise web.HTTPError(503)
        await super().get(path)

    async def head(self, _path: str | None = None) -> None:
        """Say that the server is there; this starts no kernel.

        Parameters
        ----------
        _path : str, optional
            There is only one page.
        """
        self.set_status(204)

    def write_error(self, status_code: int, **_more: Any) -> None:
        """Answer in one sentence.

        Parameters
        ----------
        status_code : int
            Why.
        **_more : object
            Traces are for the log.
        """
        sentences = {403: REFUSED, 503: FULL}
        if status_code >= 500:
            # a screen on a wall that opens itself anew has nobody who asks again
            self.set_header("Refresh", str(AGAIN_SECONDS))
        plain(self, status_code, sentences.get(status_code, "The page could not be made: see the monitor's terminal."))


class Channel(Plain, Line):
    """The line between a page and its kernel."""

    async def pre_get(self) -> None:
        """Refuse the page of a kernel that is gone; who asks is known by now."""
        if self.kernel_id not in self.kernel_manager:
            raise web.HTTPError(404)
        await super().pre_get()


class KernelCard(Plain, KernelHandler):
    """Whether a page's kernel lives; it cannot be changed or ended from outside."""

    SUPPORTED_METHODS = ("GET",)


class Programs(Plain, FileFindHandler):
    """Programs of the widgets."""

    SUPPORTED_METHODS = ("GET",)


class Icon(web.RequestHandler):
    """Where a browser looks for an icon by itself; a page without a kernel asks here whether the server is there."""

    def get(self) -> None:
        """Show where the icon is."""
        self.redirect("/frame/icon.svg")

    def head(self) -> None:
        """Say that the server is there."""
        self.set_status(204)


class Frame(web.StaticFileHandler):
    """Style, script and icon around the board."""

    SUPPORTED_METHODS = ("GET",)


def in_silence(_door: web.RequestHandler) -> None:
    """Log no request: paths are text of strangers, and a terminal is no place for it.

    Parameters
    ----------
    _door : RequestHandler
        That has answered.
    """


def plain(door: web.RequestHandler, status_code: int, sentence: str) -> None:
    """Answer with a sentence and nothing else.

    Parameters
    ----------
    door : RequestHandler
        Who answers.
    status_code : int
        HTTP's.
    sentence : str
        For people.
    """
    door.set_status(status_code)
    door.set_header("Content-Type", "text/plain; charset=utf-8")
    door.finish(f"{sentence}\n")


Door = tuple[str, type[web.RequestHandler]] | tuple[str, type[web.RequestHandler], dict[str, Any]]


def none_for_everybody(_server: Any) -> list[Door]:
    """Doors that open under any host's name.

    Parameters
    ----------
    _server : MonitorServer
        Whichever.

    Returns
    -------
    list
        None at all.
    """
    return []


def doors_of(server: Any) -> list[Door]:
    """Every door of the server.

    Parameters
    ----------
    server : MonitorServer
        Knows its paths.

    Returns
    -------
    list of tuple
        Pattern, class and what the class needs.
    """
    page = {
        "notebook_path": Path(server.notebook_path).name,
        "template_paths": server.template_paths,
        "config": server.config,
        "voila_configuration": server.voila_configuration,
    }
    programs = {"path": server.labextensions_path, "no_cache_paths": ["/"]}
    return [
        (r"/", Page, page),
        (rf"/api/kernels/{KERNEL}", KernelCard),
        (rf"/api/kernels/{KERNEL}/channels", Channel),
        (r"/favicon\.ico", Icon),
        (r"/frame/([a-z]+\.[a-z]+)", Frame, {"path": str(Path(__file__).parent / "frame" / "static")}),
        (r"/voila/static/([\w.-]+)", MultiStaticFileHandler, {"paths": server.static_paths}),
        (rf"/voila/labextensions/((?:{'|'.join(EXTENSIONS)})/[\w./-]+)", Programs, programs),
        (r".*", Stranger),
    ]
