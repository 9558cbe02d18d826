"""A bare FastAPI under uvicorn that answers with ready bytes: what any page of this kind costs at least."""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response


def app_of(bodies: Path) -> FastAPI:
    """One door for each file; ``api/status`` is kept as ``api status``."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    def answer_with(body: bytes, path: str) -> None:
        @app.get(path)
        async def answer() -> Response:
            return Response(body, media_type="application/json")

    for file in sorted(bodies.iterdir()):
        answer_with(file.read_bytes(), f"/{file.name.replace(' ', '/')}")
    return app


def main() -> None:
    """Serve on a free port until told to stop."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app_of(Path(sys.argv[1])), http="h11", ws="none", access_log=False, log_level="warning")
        print(f"the peer is at http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
