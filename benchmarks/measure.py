"""What the benchmarks share: a clock, the shape of a row, and how one module is run alone in its own process."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

Row = dict[str, Any]
Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds on the wall, and what came out."""
    began = perf_counter()
    result = call()
    return perf_counter() - began, result


def row(name: str, value: float, unit: str, **about: Any) -> Row:
    """One figure.

    Parameters
    ----------
    name, value, unit : str, float, str
        What was measured, on our side.
    **about
        ``peer`` and ``peer_value`` (same unit); ``target``; ``better``, "lower" unless said; ``target_is_ratio`` where
        the target is how many times better than the peer we shall be; ``note``, what a reader must know.

    Returns
    -------
    dict
        With ``ratio``, how many times better than the peer we are (None without one), and ``met`` (None without a
        target).
    """
    known = {"peer", "peer_value", "target", "better", "target_is_ratio", "note"}
    if not about.keys() <= known:
        raise TypeError(f"row {name!r} has unknown fields {sorted(about.keys() - known)}: expected {sorted(known)}")
    better, peer_value, target = about.get("better", "lower"), about.get("peer_value"), about.get("target")
    ratio = None
    if peer_value is not None:
        ratio = peer_value / value if better == "lower" else value / peer_value
    met = None
    if target is not None:
        judged_by_ratio = about.get("target_is_ratio", False)
        figure, more_is_better = (ratio, True) if judged_by_ratio else (value, better == "higher")
        met = figure >= target if more_is_better else figure <= target
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "peer": about.get("peer", ""),
        "peer_value": peer_value,
        "ratio": ratio,
        "target": target,
        "target_is_ratio": about.get("target_is_ratio", False),
        "better": better,
        "met": met,
        "note": about.get("note", ""),
    }


def run_alone(bench: Callable[..., list[Row]]) -> None:
    """Run one module's `bench`; rows go to ``--rows FILE``, or are printed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--rows", type=Path)
    chosen = parser.parse_args()
    text = json.dumps(bench(smoke=chosen.smoke), indent=1, ensure_ascii=False)
    if chosen.rows is None:
        print(text)
    else:
        chosen.rows.write_text(text, encoding="utf-8")
