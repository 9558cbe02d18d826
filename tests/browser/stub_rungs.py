"""Made-up rungs: readings, which rungs hold at them, and what forces the mode and the cap."""

from typing import Any

NOW_NS = 1_466_745_123_456_789_000  # 2016-06-24 05:12:03 UTC, the morning after the vote
MINUTE_NS = 60 * 10**9
HOSTILE = (
    '<img src=x onerror="window.harmed=1">',
    '"><script>window.harmed=1</script>',
    "\u202egnorts\u202c \u200fabc",
    "🚀🔥📈 moon strategy 💎",
    "x" * 200,
    "{{constructor.constructor('window.harmed=1')()}}",
)

SHRINK, RESUME = "no new entries, positions only shrink", "alert level 4, 2 people must resume"
RUNGS: dict[str, tuple[tuple[float, str, float | None, int], ...]] = {
    "DRAWDOWN": (
        (0.03, "alert level 2", None, 0),
        (0.05, "exposure at most 75 %, stops 20 % tighter, alert level 3", 0.75, 0),
        (0.10, f"{SHRINK}, exposure at most 50 %, stops 40 % tighter, alert level 3", 0.5, 0),
        (0.15, f"50 % of every position closed at once, trading halted, exposure at most 50 %, {RESUME}", 0.5, 2),
    ),
    "VOLATILITY": (
        (1.5, "exposure at most 85 %, 1 more confirmation, alert level 2", 0.85, 0),
        (2.0, "exposure at most 70 %, 2 more confirmations, alert level 3", 0.7, 0),
        (3.0, f"25 % of the positions closed at once, the most volatile first, {SHRINK}, exposure at most 40 %, "
         "2 more confirmations, only defensive strategies may enter, alert level 4", 0.4, 0),
    ),
    "VALUE_AT_RISK": (
        (0.002, "alert level 2", None, 0),
        (0.003, "exposure at most 80 %, alert level 3", 0.8, 0),
        (0.005, f"30 % of the exposure closed at once, the largest value at risk first, {SHRINK}, "
         f"exposure at most 80 %, {RESUME}", None, 2),
    ),
    "CORRELATION": ((0.3, "alert level 2", None, 0), (0.7, "exposure at most 60 %, alert level 4", 0.6, 0)),
    "TECHNICAL": (
        (5.0, "the other feed takes over, alert level 2", None, 0),
        (30.0, f"{SHRINK}, alert level 4", None, 0),
        (120.0, f"every position closed at once, trading halted, no exposure, {RESUME}", 0.0, 2),
    ),
}  # fmt: skip
"""In the loop's own words."""
WATCHED = {
    "CORRELATION": (
        "mean change of the leg correlations from normal",
        "mean absolute leg correlation, 1 when enough held legs have moved",
    ),
    "TECHNICAL": ("silence of the feed in use", "silence of every feed", "silence of every feed or of the broker"),
}

CALM = {"mode": "ACTIVE", "drawdown": 0.0041, "VOLATILITY": 1.18, "VALUE_AT_RISK": 0.00142, "CORRELATION": (0.11, 0.44)}
BREACH = {
    "mode": "REDUCING",
    "drawdown": 0.0562,
    "VOLATILITY": 3.21,
    "VALUE_AT_RISK": 0.00271,
    "CORRELATION": (0.51, 0.75),
}
HALTED = BREACH | {"mode": "HALTED", "drawdown": 0.1533, "VOLATILITY": 4.02, "VALUE_AT_RISK": 0.0008}
WORDY = {
    "mode": "REDUCING", "drawdown": 0.12, "VOLATILITY": 3.21, "VALUE_AT_RISK": 0.004, "CORRELATION": (0.51, 0.75),
    "TECHNICAL": (31.0, 31.0, 1.0),
    "lets_go": "when drawdown is under 8 % and volatility ratio is under 2.4 and silence of every feed is under 24 s "
    "for 15 minutes of market time.",
}  # fmt: skip
"""Where what holds and what comes next is said with the most words."""
PERSON = CALM | {"mode": "HALTED", "VOLATILITY": 1.62, "VALUE_AT_RISK": 0.0021, "halts": True}
"""A person halted while two rungs hold that do not change the mode."""
SPITEFUL = BREACH | {"mode": "HALTED", "halts": True}
CONDITIONS = {"ACTIVE": "NORMAL", "REDUCING": "CRISIS", "HALTED": "ELEVATED"}
CAPS = {"NORMAL": 1.0, "CRISIS": 0.2, "ELEVATED": 0.8}
LETS_GO = {
    ("person", "HALTED"): "two people must resume; no limit stands against it now.",
    (
        "rung",
        "HALTED",
    ): "two people must resume; refused until drawdown is at most 15 % (now 15.33 %) or they start the "
    "peak anew. Then REDUCING until volatility ratio is under 2.4 for 15 minutes of market time.",
    ("rung", "REDUCING"): "when volatility ratio is under 2.4 for 15 minutes of market time.",
}
READINGS = {
    "breach": BREACH, "halted": HALTED, "person": PERSON, "hostile": SPITEFUL, "stale": BREACH, "wordy": WORDY,
}  # fmt: skip


def ladders(reading: dict[str, Any]) -> list[dict[str, Any]]:
    metrics = {"DRAWDOWN": reading["drawdown"], "TECHNICAL": (0.2, 0.0, 0.0)} | reading
    rows = []
    for ladder, rungs in RUNGS.items():
        for place, (trigger, does, cap, people) in enumerate(rungs):
            metric = metrics[ladder][place] if isinstance(metrics[ladder], tuple) else metrics[ladder]
            holds = metric > trigger
            rows.append(
                {
                    "ladder": ladder,
                    "rung": place + 1,
                    "trigger": trigger,
                    "metric": metric,
                    "metric_name": WATCHED[ladder][place] if ladder in WATCHED else ladder,
                    "holds": holds,
                    "does": does,
                    "cap": cap,
                    "people": people,
                    "mode": "HALTED" if "trading halted" in does else "REDUCING" if SHRINK in does else "ACTIVE",
                    "latched": holds and people > 0,
                    "since_ns": NOW_NS - (40 - 7 * place) * MINUTE_NS if holds else None,
                }
            )
    return rows


def forcing(reading: dict[str, Any], rows: list[dict[str, Any]], *, hostile: bool) -> dict[str, Any]:
    """What forces mode and cap, as `runtime.projection.book` says it."""
    held = [row for row in rows if row["holds"]]
    causes: list[dict[str, Any]] = [
        {"kind": "rung", "since_ns": row["since_ns"], "ladder": row["ladder"], "rung": row["rung"], "why": ""}
        for row in held
        if row["mode"] == reading["mode"] != "ACTIVE"
    ]
    if reading.get("halts"):
        who, why = (HOSTILE[1], HOSTILE[0]) if hostile else ("maria", "the broker confirms fills we never asked for")
        halt = {"kind": "person", "since_ns": NOW_NS - 5 * MINUTE_NS, "actor": who, "act": "halt", "reason": why}
        causes.insert(0, halt)
    allowed = CAPS[CONDITIONS[reading["mode"]]]
    caps: list[dict[str, Any]] = [{"kind": "condition", "condition": CONDITIONS[reading["mode"]], "cap": allowed}]
    caps += [
        {"kind": "rung", "ladder": row["ladder"], "rung": row["rung"], "cap": row["cap"]}
        for row in held
        if row["cap"] is not None
    ]
    least = min(one["cap"] for one in caps)
    return {
        "held_by": causes,
        "lets_go": reading.get("lets_go", LETS_GO[causes[0]["kind"], reading["mode"]]) if causes else "",
        "entries_stopped": "" if reading["mode"] == "ACTIVE" else f"the book is {reading['mode']}",
        "cap": least,
        "cap_allowed": least,
        "cap_by": [one for one in caps if one["cap"] == least < 1.0],
    }
