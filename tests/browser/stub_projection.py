"""Made-up projections for the page alone: no loop, no kernel, every state the page must be able to show."""

import importlib.util
import math
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location("stub_rungs", Path(__file__).with_name("stub_rungs.py"))
assert _spec and _spec.loader
_rungs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_rungs)
NOW_NS, MINUTE_NS, HOSTILE, CALM, READINGS = (
    _rungs.NOW_NS,
    _rungs.MINUTE_NS,
    _rungs.HOSTILE,
    _rungs.CALM,
    _rungs.READINGS,
)

PAIRS = (
    "EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "USDJPY", "USDCHF", "USDCAD", "EURGBP",
    "EURJPY", "EURCHF", "EURCAD", "GBPJPY", "GBPCHF", "AUDJPY", "AUDCAD", "CHFJPY",
)  # fmt: skip
PRICES = (1.11094, 1.37518, 0.74271, 0.71102, 102.341, 0.9721, 1.2998, 0.8079,
          113.71, 1.0801, 1.4441, 140.75, 1.3371, 76.011, 0.9652, 105.27)  # fmt: skip
LEGS = ("EUR", "JPY", "GBP", "CHF", "AUD", "CAD", "NZD")


def positions(reading: dict[str, Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    size = {"ACTIVE": 1.0, "REDUCING": 0.4, "HALTED": 0.2}[reading["mode"]]
    rows = []
    for place, (name, pair, price) in enumerate(zip(names, PAIRS, PRICES, strict=True)):
        full = (14_000 + 1_370 * place) * (-1) ** (place % 3 == 1)
        units = 0.0 if place == 11 else round(full * size * (1.0 if place % 5 else 1.2))
        rows.append(
            {
                "strategy": name,
                "pair": pair,
                "tier": "HELD",
                "units": units,
                "target": round(full * size),
                "full": full,
                "price": price * 1.004,
                "mark": price,
                "profit": round(420 * math.sin(place * 1.7) - 2_600 * reading["drawdown"] * (place + 1), 2),
                "component_value_at_risk": reading["VALUE_AT_RISK"]
                * (0.02 + 0.011 * place)
                * (-0.5 if place == 3 else 1.0),
                "locked": place == 11,
            }
        )
    return rows


def book(reading: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    rungs, hostile = _rungs.ladders(reading), names[0].startswith(HOSTILE[0])
    points = [round(min(1.0, reading["VOLATILITY"] / 3) * 30, 1), 19.2, 11.4, 2.3, None]
    parts = zip(
        ("volatility", "correlation", "turbulence", "liquidity", "uncertainty"),
        (30, 25, 20, 15, 10),
        points,
        strict=True,
    )
    score = sum(value for value in points if value is not None) / 0.9
    forced = _rungs.forcing(reading, rungs, hostile=hostile)
    return {
        "time_ns": NOW_NS,
        "mode": reading["mode"],
        "mode_since_ns": min((one["since_ns"] for one in forced["held_by"]), default=NOW_NS - 32 * MINUTE_NS),
        "equity": round(1_000_000 * (1 - reading["drawdown"]), 2),
        "peak": 1_000_000.0,
        "drawdown": reading["drawdown"],
        "value_at_risk_95": reading["VALUE_AT_RISK"],
        "value_at_risk_99": reading["VALUE_AT_RISK"] * 1.6,
        "expected_shortfall_975": reading["VALUE_AT_RISK"] * 2.1,
        "volatility_ratio": reading["VOLATILITY"],
        "correlation_mean": reading["CORRELATION"][1],
        "correlation_drift": reading["CORRELATION"][0],
        "stress_score": score,
        **forced,
        "score_parts": [
            {"name": name, "most": most, "points": value, "missing": value is None} for name, most, value in parts
        ],
        "condition": _rungs.CONDITIONS[reading["mode"]],
        "condition_since_ns": NOW_NS - 32 * MINUTE_NS,
        "strategies_active": 10 if reading is CALM else 1,
        "strategies_total": 10,
        "strategies_held": 0,
        "regime": "NORMAL" if reading is CALM else "CRISIS",
        "ladders": rungs,
        "positions": positions(reading, names),
    }


def alerts(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    found = [
        {
            "kind": "RaiseAlert",
            "time_ns": row["since_ns"],
            "reason": "RUNG_TRIPPED",
            "level": 4 if row["rung"] > 2 else row["rung"] + 1,
            "metric": row["metric"],
            "trigger": row["trigger"],
            "ladder": row["ladder"],
            "rung": row["rung"],
            "strategy": "",
            "sentence": "the metric is above the trigger of the rung",
            "deadline_ns": row["since_ns"] + (15 if row["rung"] == 1 else 28) * MINUTE_NS,
        }
        for row in rows
        if row["holds"]
    ]
    found += [
        {
            "kind": "RaiseAlert",
            "time_ns": NOW_NS - 3 * 3600 * 10**9,
            "reason": "REPEATED_STOPS",
            "level": 1,
            "metric": 3.0,
            "trigger": 3.0,
            "ladder": None,
            "rung": 0,
            "strategy": names[11],
            "sentence": "three stops in a row: the strategy is locked",
            "deadline_ns": None,
        }
    ]
    return sorted(found, key=lambda row: -row["time_ns"])


def decisions(reading: dict[str, Any], names: tuple[str, ...], at: int) -> list[dict[str, Any]]:
    if reading["mode"] == "ACTIVE":
        return [
            {
                "kind": "RegimeChanged",
                "time_ns": NOW_NS - 190 * MINUTE_NS,
                "before": "RANGING",
                "after": "NORMAL",
                "sentence": "the regime has changed: stops and minimum holds follow it",
            }
        ]
    rows: list[dict[str, Any]] = [
        {
            "kind": "ModeChanged",
            "time_ns": at,
            "before": "ACTIVE",
            "after": reading["mode"],
            "sentence": "the mode follows the most severe rung or a person's order",
        }
    ]
    rows += [
        {
            "kind": "ConditionChanged",
            "time_ns": at,
            "before": "NORMAL",
            "after": _rungs.CONDITIONS[reading["mode"]],
            "exposure_cap": _rungs.CAPS[_rungs.CONDITIONS[reading["mode"]]],
            "sentence": "the market condition has changed",
        }
    ]
    rows += [
        {"kind": "CancelAll", "time_ns": at, "sentence": "the mode follows the most severe rung or a person's order"}
    ]
    rows += [
        {
            "kind": "TargetPosition",
            "time_ns": at - 40 * 10**6,
            "strategy": name,
            "pair": pair,
            "before": 14_000.0 + 1370 * place,
            "units": 5_600.0 + 548 * place,
            "sentence": "a rung closes part of the positions",
        }
        for place, (name, pair) in enumerate(zip(names, PAIRS, strict=True))
    ]
    return rows


def orders(reading: dict[str, Any], names: tuple[str, ...], since_ns: int) -> list[dict[str, Any]]:
    states = ("FILLED", "FILLED", "PART_FILLED", "FILLED", "SENT", "REJECTED", "FILLED", "UNKNOWN")
    rows = []
    for place, (name, pair, price) in enumerate(zip(names, PAIRS, PRICES, strict=True)):
        state, at = states[place % len(states)], since_ns - place * 10**6
        times = {"INTENT": at, "SENT": at + 2 * 10**6} | (
            {} if state == "SENT" else {"ACKNOWLEDGED": at + (21 + 13 * place) * 10**6}
        )
        units = -(3_100.0 + 410 * place)
        rows.append(
            {
                "id": f"2d546ee18c51-{164 - place}",
                "strategy": name,
                "pair": pair,
                "units": units,
                "filled": units / 2,
                "made_ns": at,
                "times": times,
                "state": state,
                "reason": "the price is outside the collar" if state == "REJECTED" else "",
                "price": price if state == "FILLED" else None,
            }
        )
    return [] if reading["mode"] == "ACTIVE" else rows


def correlation(reading: dict[str, Any]) -> dict[str, Any]:
    normal = [[1.0 if a == b else round(0.55 * math.cos((a - b) * 0.8) - 0.12, 3) for b in range(7)] for a in range(7)]
    lift = reading["CORRELATION"][0]
    now = [
        [
            1.0 if a == b else round(max(-0.98, min(0.98, normal[a][b] + lift * math.sin(1 + a * b))), 3)
            for b in range(7)
        ]
        for a in range(7)
    ]
    now[0][3] = now[3][0] = 0.98
    now[1][2] = now[2][1] = -0.98
    return {"legs": list(LEGS), "now": now, "normal": normal}


NO_PROBABILITY = (
    "The calibration of 2016-06-23 holds no regime probability. The regime in force is the engine's own: volatility "
    "bands first, then what slow work says."
)


def models(regime: str) -> dict[str, Any]:
    calm = regime == "NORMAL"
    return {
        "calibration": {
            "id": "2016-06-23-a5eb9f790799",
            "as_of": "2016-06-23",
            "age_days": 1,
            "limit_days": 3,
            "provisional": False,
        },
        "regime": {
            "now": regime,
            "since_ns": NOW_NS - 32 * MINUTE_NS,
            "source": "calibration of 2016-06-23, jump model",
            "probabilities": {
                "NORMAL": 0.91 if calm else 0.02,
                "HIGH_VOLATILITY": 0.07 if calm else 0.31,
                "CRISIS": 0.02 if calm else 0.67,
            },
        },
        "strategy_set": {"id": "2016-25-0b1c22", "as_of": "2016-06-17", "strategies": 10},
    }


def machine(*, priced: bool) -> dict[str, Any]:
    return {
        "feeds": [
            {
                "name": name,
                "label": "Brexit vote: ECB fixes",
                "connected": True,
                "accepted": 897_225 - place,
                "capture_rate": 1.0 - 0.0004 * place,
                "refused": {"QUOTE_CROSSED": 3 * place},
                "spikes": place,
                "silence_seconds": 0.25,
                "longest_silence_seconds": 1.3,
                "score": 100.0 - 4 * place,
            }
            for place, name in enumerate(("primary", "backup"))
        ],
        "latency": {
            name: {"count": 165, "mean": 2.0, "p50": p50, "p99": p99, "max": 2 * p99}
            for name, p50, p99 in (
                ("quote_to_decision", 0.2, 12.6),
                ("quote_to_intent_durable", 1.1, 9.8),
                ("quote_to_sent", 4.5, 43.4),
                ("quote_to_acknowledged", 8.1, 83.5),
                ("sent_to_acknowledged", 3.2, 40.1),
                ("journal_write", 0.18, 3.2),
                ("turn", 0.3, 4.4),
            )
        },
        "journal": {"sequence": 1_905_169, "digest": "751b2ded04392290e731bdd5426ce9c3", "epoch": 1},
        "loop": {
            "began_ns": NOW_NS - 17 * 3600 * 10**9,
            "now_ns": NOW_NS,
            "wall_ns": NOW_NS,
            "turns": 2_427_068,
            "priced": priced,
            "speed": 60.0,
        },
        "health": {
            "journal_bytes": 412_000_000,
            "disk_free_bytes": 75_078_115_328,
            "real_time": 1,
            "memory_bytes": 283_578_368,
        },
    }


def commands(variant: str) -> list[dict[str, Any]]:
    hostile = variant == "hostile"
    halt = {"act": "HALT", "actor": HOSTILE[1] if hostile else "maria"}
    resume = {"act": "resume", "actor": "maria", "approver": HOSTILE[1] if hostile else "jonas"}
    refused = "a latched limit is still breached"
    return [
        {**halt, "time_ns": NOW_NS - 5 * MINUTE_NS, "refused": "",
         "reason": HOSTILE[0] if hostile else "the broker is silent"},
        {**resume, "time_ns": NOW_NS - 6 * MINUTE_NS, "refused": refused, "rebaseline_peak": True},
        {"act": "reduce", "actor": "jonas", "time_ns": NOW_NS - 7 * MINUTE_NS, "refused": "", "fraction": 0.125},
    ]  # fmt: skip


def projection(variant: str) -> dict[str, Any]:
    """Sections of the projection: calm, breach, halted, person, wordy, hostile, unknown-pair, or empty."""
    if variant in {"empty", "no-journal", "starting"}:
        return {}
    reading = READINGS.get(variant, CALM)
    names = tuple(HOSTILE[place % len(HOSTILE)] + str(place) for place in range(16)) if variant == "hostile" else PAIRS
    found = book(reading, names)
    if variant == "unknown-pair":
        found["positions"][2] |= {"pair": "XAUUSD", "mark": None, "profit": None, "component_value_at_risk": None}
    profits = {
        name: {
            "since_ns": NOW_NS - hours * 3600 * 10**9,
            "equity": 1_000_000.0,
            "profit": round(found["equity"] - 1_000_000 + extra, 2),
        }
        for name, hours, extra in (("day", 8, 0), ("week", 104, 1_250), ("month", 560, 5_400))
    }
    known = models(found["regime"])
    if variant == "wordy":
        known["regime"] |= {"source": NO_PROBABILITY, "probabilities": None}
    return {
        **known,
        **machine(priced=variant != "unknown-pair"),
        "version": 3,
        "book": found,
        "policy": "87bde45bad3a",
        "periods": profits,
        "correlation": correlation(reading),
        "label": HOSTILE[0] if variant == "hostile" else "Brexit vote: ECB fixes, SYNTHETIC quotes between",
        "synthetic": True,
        "feed": "replay:brexit-2016",
        "pid": 30442,
        "feed_in_use": 0,
        "quoted": {pair: NOW_NS - 10**9 * (place % 3) for place, pair in enumerate(PAIRS)},
        "broker": "paper",
        "decisions": decisions(reading, names, found["mode_since_ns"]),
        "alerts": alerts(found["ladders"], names),
        "orders": orders(reading, names, found["mode_since_ns"]),
        "notes": [{"time_ns": NOW_NS - 17 * 3600 * 10**9, "kind": "started", "sentence": "a new journal begins"}],
        "commands": commands(variant) if reading.get("halts") else [],
    }
