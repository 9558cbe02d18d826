"""The risk policy: every limit in one validated, frozen table with a hash.

`Policy.from_toml` reads the text of a policy file; `workbench.data.policy_file` finds that text. Nothing in the policy
has a default in the code: what the file does not say is refused, and so is what it says twice or wrongly.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import ErrorDetails

from workbench.domain.errors import ConfigError
from workbench.domain.policy.fields import Section, refuse
from workbench.domain.policy.response import People, StressScenarios
from workbench.domain.policy.risk import (
    CalibrationGates,
    Ladders,
    MarketConditions,
    Sizing,
    StressScore,
    hold_technical_rung,
)
from workbench.domain.policy.trading import Adaptation, Costs, PreTrade, Strategies, SuccessCriteria, Tiers, Universe


class Policy(Section):
    """All limits, tables, deadlines and roles the workbench decides by.

    Examples
    --------
    >>> from workbench.data.policy_file import read_policy
    >>> read_policy().ladders.drawdown.rung_4.trigger
    0.15
    """

    calibration: CalibrationGates
    universe: Universe
    ladders: Ladders
    sizing: Sizing
    stress_score: StressScore
    market_conditions: MarketConditions
    adaptation: Adaptation
    strategies: Strategies
    costs: Costs
    tiers: Tiers
    pre_trade: PreTrade
    people: People
    stress: StressScenarios
    success: SuccessCriteria

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Self:
        """Validate a policy given as nested mappings.

        Parameters
        ----------
        table : mapping
            Sections by name, as TOML or JSON would give them.

        Returns
        -------
        Policy

        Raises
        ------
        ConfigError
            Names every key that is unknown, missing, out of range or out of order, what was expected and what was got.
        """
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            lines = [_sentence(cls, details) for details in error.errors()]
            raise ConfigError("the policy is refused: " + "; ".join(lines)) from error

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Validate a policy given as the text of a TOML file.

        Parameters
        ----------
        text : str
            TOML 1.0.

        Returns
        -------
        Policy

        Raises
        ------
        ConfigError
            When the text is not TOML (with line and column), or for any reason of `from_mapping`.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"the policy is refused: expected TOML, got {error}") from error
        return cls.from_mapping(table)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON form: changes with every value, not with comments, order or number format."""
        form = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(form.encode()).hexdigest()

    def numbers(self) -> dict[str, float]:
        """Every number of the policy by its dotted path.

        Returns
        -------
        dict of str to float
            In the order of the sections, for example ``{"ladders.drawdown.rung_2.cap": 0.75, ...}``.
        """
        return dict(_numbers("", self.model_dump(mode="json")))

    def configuration_count(self, *, with_intraday_data: bool) -> int:
        """Size of the strategy grid, every member of which is a counted trial.

        Parameters
        ----------
        with_intraday_data : bool
            Whether the timeframes that need intraday data take part.

        Returns
        -------
        int
            Pairs × timeframes × signals × risk profiles.
        """
        grid = self.strategies
        timeframes = grid.timeframes_with_intraday_data if with_intraday_data else grid.timeframes
        rules = len(type(grid.signals).model_fields) * len(type(grid.risk_profiles).model_fields)
        return len(self.universe.pairs) * len(timeframes) * rules

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        hold_technical_rung(
            "calibration.stale_technical_rung", self.calibration.stale_technical_rung, self.ladders.technical
        )
        active, deployed = self.market_conditions.normal.strategies, self.tiers.strategies
        if active > deployed:
            refuse("market_conditions.normal.strategies", f"at most {deployed}, the number the tiers deploy", active)
        days, warned = self.success.operational, self.people.drills.warn_days
        if warned >= min(days.control_drilled_days, days.responder_drilled_days):
            refuse("people.drills.warn_days", "less than the days of a drill in success.operational", warned)
        for place, cost in enumerate(self.costs.by_pair):
            if cost.pair not in self.universe.pairs:
                refuse(f"costs.by_pair[{place}].pair", "a pair of the universe", cost.pair)
        return self


def _numbers(path: str, value: object) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _numbers(f"{path}.{key}" if path else key, below)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _numbers(f"{path}[{place}]", below)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _sentence(root: type[BaseModel], details: ErrorDetails) -> str:
    """Say which key, what was expected and what was got."""
    location = details["loc"]
    path = _path(location)
    if details["type"] == "missing":
        return f"{path}: expected a value, got nothing (the key is missing)"
    if details["type"] == "extra_forbidden":
        return f"{path}: unknown key{_suggestion(root, location)}"
    context = details.get("ctx", {})
    below = str(context.get("key", ""))
    path = ".".join(part for part in (path, below) if part).replace(".[", "[") or "policy"
    message = details["msg"].replace("Input should be", "expected").replace("Input should", "expected to")
    return f"{path}: {message}, got {context.get('got', details['input'])!r}"


def _path(location: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _suggestion(root: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """Name the known key of the same section that looks most like the unknown one."""
    section: Any = root
    for part in location[:-1]:
        field = section.model_fields.get(part) if isinstance(part, str) else None
        section = field.annotation if field is not None else section
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return ""
    close = get_close_matches(str(location[-1]), list(section.model_fields), n=1)
    return f", did you mean {close[0]!r}?" if close else f", expected one of {', '.join(section.model_fields)}"
