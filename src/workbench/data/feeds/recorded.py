"""A text file of quotes that grows: one line a quote, CSV ``time,pair,bid,ask`` or a JSON object with these keys.

The time is ISO 8601 with a zone, or whole nanoseconds UTC. The file may be missing, replaced, truncated, torn or full
of rubbish: lines that cannot be read are counted and told, never raised, and never kept in memory as a whole.
"""

import json
import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from workbench.data.feeds.protocol import FeedDownError, RawQuote
from workbench.data.files import reason_of
from workbench.domain.trading.market_hours import SECOND_NS

LONGEST_LINE = 4_096
CHUNK = 65_536
CHUNKS_A_POLL = 16
"""At most a mebibyte, about twenty thousand quotes, a poll: a large backlog is read in portions."""
KEYS = ("time", "pair", "bid", "ask")
HEADER = b",".join(key.encode() for key in KEYS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_INTEGER = 19
SHOWN = 60
NO_FILE = (0, 0)


class FileTail:
    """Follows a file of quotes.

    Parameters
    ----------
    path : Path
        The file; it may come later.
    label : str
        What the prices are and whom to name; empty names the file.
    synthetic : bool
        Whether any price is made up.
    skip_existing : bool
        Begin at the end of what is there at the first connection: yesterday's prices are of no use to a live loop.

    Notes
    -----
    A file that is truncated and grows beyond its old length between two polls cannot be told from one that grew.
    """

    def __init__(self, path: Path, label: str = "", *, synthetic: bool = False, skip_existing: bool = False) -> None:
        self.name, self.label, self.synthetic = f"file {path.name}", label or f"quotes from {path}", synthetic
        self._path, self._skip = path, skip_existing
        self._handle: int | None = None
        self._identity = NO_FILE
        self._offset = 0
        self._lines = LineReader()
        self._told = TroubleCount()

    def connect(self, now_ns: int) -> None:
        """Open the file; goes on where it was when it is still the same file."""
        self.close()
        skip, self._skip = self._skip, False
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise FeedDownError(f"cannot open the quotes in {self._path}: {reason_of(error)}") from error
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            os.close(handle)
            raise FeedDownError(f"expected a file of quotes at {self._path}, got something that is no regular file")
        self._handle = handle
        if _identity(state) != self._identity:
            self._restart(state, state.st_size if skip else 0)

    def poll(self, now_ns: int) -> Sequence[RawQuote]:
        """Read what has been written since, as far as the last whole line."""
        quotes: list[RawQuote] = []
        try:
            for _ in range(CHUNKS_A_POLL):
                chunk = self._read()
                quotes += self._parse(self._lines.feed(chunk))
                if not chunk:
                    break
            self._told.settle(now_ns, self._lines.take_dropped())
            if not chunk and not quotes and _identity(self._path.stat()) != self._identity:
                self.connect(now_ns)
        except OSError as error:
            self.close()
            # another file may come under this name, even with the same number on the disk
            self._identity = NO_FILE
            raise FeedDownError(f"cannot read the quotes in {self._path}: {reason_of(error)}") from error
        return quotes

    def due_ns(self) -> None:
        """Nobody knows when somebody writes a line."""

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def troubles(self) -> Sequence[str]:
        """Say what could not be read since the last time: at most one sentence for each second of feed time."""
        return self._told.take()

    def _restart(self, state: os.stat_result, offset: int) -> None:
        self._identity, self._offset = _identity(state), offset
        self._lines.forget_rest()

    def _read(self) -> bytes:
        """Read the next bytes, from the beginning when the file has become shorter."""
        if self._handle is None:
            raise FeedDownError(f"the quotes in {self._path} are not open: connect first")
        state = os.fstat(self._handle)
        if state.st_size < self._offset:
            self._restart(state, 0)
        chunk = os.pread(self._handle, CHUNK, self._offset)
        self._offset += len(chunk)
        return chunk

    def _parse(self, lines: Sequence[bytes]) -> list[RawQuote]:
        quotes = []
        for line in lines:
            text = line.strip()
            if not text or text.lower() == HEADER:
                continue
            try:
                quotes.append(parse_quote(text))
            except (ValueError, RecursionError):
                self._told.malformed(text)
        return quotes


class LineReader:
    """Cuts bytes into lines; a line that is too long is dropped as it comes."""

    def __init__(self) -> None:
        self._rest = b""
        self._dropping = False
        self._dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes in.

        Parameters
        ----------
        chunk : bytes
            What comes next.

        Returns
        -------
        list of bytes
            Lines that have become whole, without their end.
        """
        pieces = (self._rest + chunk).split(b"\n")
        self._rest = pieces.pop()
        if self._dropping and pieces:
            del pieces[0]
            self._dropping = False
        lines = [piece for piece in pieces if len(piece) <= LONGEST_LINE]
        self._dropped += len(pieces) - len(lines)
        if self._dropping:
            self._rest = b""
        elif len(self._rest) > LONGEST_LINE:
            self._rest, self._dropping = b"", True
            self._dropped += 1
        return lines

    def forget_rest(self) -> None:
        """Forget the line that is not whole yet: what comes next is from another file."""
        self._rest, self._dropping = b"", False

    def take_dropped(self) -> int:
        """Tell how many lines were too long since the last time."""
        dropped, self._dropped = self._dropped, 0
        return dropped


class TroubleCount:
    """Counts what cannot be read, and makes one sentence a second of it."""

    def __init__(self) -> None:
        self._malformed, self._oversized, self._example = 0, 0, ""
        self._spoke_ns: int | None = None
        self._sentences: list[str] = []

    def malformed(self, line: bytes) -> None:
        """Count a line.

        Parameters
        ----------
        line : bytes
            The first since the last sentence is quoted in it.
        """
        if self._malformed == 0:
            self._example = ascii(line[:SHOWN].decode("ascii", errors="backslashreplace"))
        self._malformed += 1

    def settle(self, now_ns: int, oversized: int) -> None:
        """Make a sentence when there is something to say and the last one is a second ago.

        Parameters
        ----------
        now_ns : int
            Feed time.
        oversized : int
            Lines dropped since the last time.
        """
        self._oversized += oversized
        early = self._spoke_ns is not None and now_ns - self._spoke_ns < SECOND_NS
        if early or self._malformed + self._oversized == 0:
            return
        parts = []
        if self._malformed:
            parts.append(f"{self._malformed} that cannot be read, the first {self._example}")
        if self._oversized:
            parts.append(f"{self._oversized} of more than {LONGEST_LINE} bytes")
        self._sentences.append(
            f"lines dropped: {'; '.join(parts)}; expected {','.join(KEYS)} or a JSON object with these keys"
        )
        self._malformed, self._oversized, self._spoke_ns = 0, 0, now_ns

    def take(self) -> tuple[str, ...]:
        """Hand the sentences over, once."""
        sentences, self._sentences = tuple(self._sentences), []
        return sentences


def parse_quote(line: bytes) -> RawQuote:
    """Read one line.

    Parameters
    ----------
    line : bytes
        CSV or a JSON object.

    Returns
    -------
    RawQuote
        Only its form has been looked at: the numbers may be anything, not a number too.

    Raises
    ------
    ValueError
        When it is neither.
    """
    text = line.decode("ascii")
    fields = _json_fields(text) if text.startswith("{") else text.split(",")
    if len(fields) != len(KEYS):
        raise ValueError("expected four fields")
    time, pair, bid, ask = fields
    if "_" in bid + ask:  # Python reads 1_000 as a number, no feed means it
        raise ValueError("expected prices")
    return RawQuote(_time_ns(time.strip()), pair.strip().replace("/", "").upper(), float(bid), float(ask))


def _json_fields(text: str) -> list[str]:
    entry = json.loads(text)
    if not all(key in entry for key in KEYS):
        raise ValueError("a key is missing")
    return [str(entry[key]) for key in KEYS]


def _time_ns(text: str) -> int:
    if text.isdigit():
        if len(text) > LONGEST_INTEGER:
            raise ValueError("more digits than nanoseconds have")
        return int(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino
