"""The strategy set: which strategies trade, with how much of the capital, and on what evidence.

Like a calibration it is content, and the content names it; status, reasons and the time of making are not content.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from workbench.domain.calibration import ID_DIGITS, NOT_CONTENT, Evidence, Name, Part, Status, canonical_json, utc
from workbench.domain.errors import ModelError
from workbench.domain.tables import Number, html_list, html_table, number, percent
from workbench.domain.trading.modes import Tier
from workbench.domain.trading.strategies import STRATEGY_SLOTS, Strategy, StrategyRecord

GateVerdict = Literal["significant", "robust-not-significant", "rejected"]
Known = Annotated[float, Field(allow_inf_nan=False)] | None
"""A number, or None where it is not known."""


class Record(Part):
    """History a strategy is judged by; fractions, None where it is not known."""

    drawdown: Known
    stress_survival: Known
    walk_forward: Known
    robustness: Known
    negative_conditions: tuple[int, ...]


class Member(Part):
    """One strategy of the set."""

    name: Name
    pair: Name
    timeframe: Name
    signal: Name
    parameters: tuple[float, ...]
    profile: Name
    tier: Literal["core", "growth", "tactical"]
    weight: Annotated[float, Field(gt=0.0, le=1.0)]
    risk_per_trade: Annotated[float, Field(gt=0.0, le=1.0)]
    reward_to_risk: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    verdict: GateVerdict
    record: Record
    evidence: Evidence

    def strategy(self) -> Strategy:
        """The strategy as the engine runs it.

        Returns
        -------
        Strategy
            Defensive when it risks the least: the conservative profile.
        """
        known = {
            key: float("nan") if (value := getattr(self.record, key)) is None else value
            for key in ("drawdown", "stress_survival", "walk_forward", "robustness")
        }
        return Strategy(
            name=self.name,
            pair=self.pair,
            tier=Tier[self.tier.upper()],
            allocation=self.weight,
            risk_per_trade=self.risk_per_trade,
            reward_to_risk=self.reward_to_risk,
            timeframe=self.timeframe,
            defensive=self.profile == "conservative",
            record=StrategyRecord(**known, negative_conditions=self.record.negative_conditions),
        )


class StrategySet(Part):
    """One selection: content, plus what the registry says about it."""

    as_of: date
    created: str
    status: Status = "candidate"
    reasons: tuple[str, ...] = ()
    data_hash: Name
    code_version: Name
    policy_hash: Name
    verdict: GateVerdict
    trial_count: Annotated[int, Field(ge=1)]
    members: tuple[Member, ...] = Field(max_length=STRATEGY_SLOTS)
    evidence: Evidence

    @field_validator("created")
    @classmethod
    def _created_is_utc(cls, created: str) -> str:
        return utc(created)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [member.name for member in self.members]
        if len(set(names)) != len(names):
            raise ValueError("expected each strategy once")
        if sum(member.weight for member in self.members) > 1.0 + 1e-9:
            raise ValueError("expected weights that add up to at most 1")
        if (self.verdict == "rejected") != (not self.members):
            raise ValueError("expected members, or the verdict rejected and none")
        return self

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Self:
        """Validate a strategy set given as nested mappings.

        Parameters
        ----------
        table : mapping
            Fields by name.

        Returns
        -------
        StrategySet

        Raises
        ------
        ModelError
            Names every field that is missing, unknown, not finite or inconsistent.
        """
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
            raise ModelError("not a valid strategy set: " + "; ".join(lines)) from error

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything but the time of making, status and reasons."""
        content = self.model_dump(mode="json", exclude=set(NOT_CONTENT))
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    @property
    def id(self) -> str:
        """Day and the first digits of the content hash, ``2026-10-30-1f3a…``."""
        return f"{self.as_of.isoformat()}-{self.content_hash[:ID_DIGITS]}"

    @property
    def sentence(self) -> str:
        """Whether any of it is significant: the sentence every page repeats."""
        return f"significant after {self.trial_count} trials: {'yes' if self.verdict == 'significant' else 'no'}"

    def strategies(self) -> tuple[Strategy, ...]:
        """The members as the engine runs them, in the order of their tiers.

        Returns
        -------
        tuple of Strategy
        """
        return tuple(member.strategy() for member in self.members)

    def _repr_html_(self) -> str:
        rows = [
            [one.name, one.tier, percent(one.weight, 1), one.verdict, _known(one.record.robustness, ".2f"),
             _known(one.record.walk_forward, ".2f"), _known(one.record.drawdown, ".3f"),
             _known(one.record.stress_survival, ".2f")]
            for one in self.members
        ]  # fmt: skip
        head = [
            "strategy", "tier", "weight", "verdict", "robustness", "windows won", "drawdown", "crises survived",
        ]  # fmt: skip
        caption = f"{self.id}, {self.status}; {self.sentence}"
        return html_table(head, rows, caption=caption) + html_list(self.reasons)


def _known(value: float | None, form: str) -> Number:
    return number(float("nan") if value is None else value, form)
