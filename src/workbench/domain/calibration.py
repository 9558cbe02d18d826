"""The calibration: what a morning has learned from the data, as the live engine takes it over.

Everything in it is content, and the content names it: two calibrations with the same numbers from the same data, code
and policy have the same `id`, whenever they were made. What the registry decided (status and reasons) and the time of
making are not content.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from workbench.domain.currencies import LEGS
from workbench.domain.errors import ModelError

Status = Literal["candidate", "adopted", "provisional", "refused", "superseded"]
NOT_CONTENT = frozenset({"created", "status", "reasons"})
ID_DIGITS = 12


def canonical_json(value: object) -> str:
    """One text for one content: sorted keys, no spaces, no NaN.

    Parameters
    ----------
    value : object
        Nested mappings, lists, strings, booleans and finite numbers.

    Returns
    -------
    str
        Numbers in the shortest form that reads back to the same bits.

    Raises
    ------
    ModelError
        When a number is NaN or infinite, or something is not JSON.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError) as error:
        raise ModelError(f"a calibration holds JSON with finite numbers only: {error}") from error


def _nested_lists(matrix: Any) -> Any:
    return matrix.tolist() if isinstance(matrix, np.ndarray) else matrix


def _correlation(matrix: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    values = np.array(matrix, dtype=float) if {len(row) for row in matrix} == {len(LEGS)} else np.zeros((0, 0))
    if values.shape != (len(LEGS), len(LEGS)):
        raise ValueError(f"expected {len(LEGS)} × {len(LEGS)} correlations in the order {', '.join(LEGS)}")
    if not (np.allclose(values, values.T, rtol=0, atol=1e-9) and np.allclose(np.diag(values), 1.0, rtol=0, atol=1e-9)):
        raise ValueError("expected a symmetric correlation matrix with ones on its diagonal")
    if np.abs(values).max() > 1 + 1e-9 or np.linalg.eigvalsh(values)[0] < -1e-8:
        raise ValueError("expected a valid correlation matrix: no negative eigenvalue, nothing beyond 1")
    return matrix


def _finite(table: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    try:
        json.dumps(dict(table), allow_nan=False)
    except ValueError as error:
        raise ValueError("expected finite numbers only, NaN and infinity are no evidence") from error
    return table


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Decay = Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)]
Matrix = Annotated[tuple[tuple[Finite, ...], ...], BeforeValidator(_nested_lists), AfterValidator(_correlation)]
Name = Annotated[str, Field(min_length=1)]
Evidence = Annotated[Mapping[str, JsonValue], AfterValidator(_finite)]


class Part(BaseModel):
    """A part of a calibration: frozen, nothing unknown, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LegState(Part):
    """Volatility of one leg, daily fractions: the EWMA state, the GARCH parameters by name, and what is normal."""

    ewma_lambda: Decay
    volatility_daily: Positive
    normal_volatility_daily: Positive
    garch: Mapping[str, Finite]


class ResidualTail(Part):
    """Tail of the standardised residuals at one confidence: multiples of volatility, losses positive."""

    quantile: Positive
    expected_shortfall: Positive

    @model_validator(mode="after")
    def _shortfall_beyond_quantile(self) -> Self:
        if self.expected_shortfall < self.quantile:
            raise ValueError(f"expected a shortfall of at least the quantile {self.quantile}")
        return self


class PortfolioRisk(Part):
    """Next day's risk of one book under the champion, positive fractions of equity, and the backtests behind it."""

    champion: Name
    book: Name
    equity: Positive
    portfolio_95: Positive
    portfolio_99: Positive
    expected_shortfall_975: Positive
    backtests: Evidence

    @model_validator(mode="after")
    def _tails_in_order(self) -> Self:
        if not self.portfolio_95 <= min(self.portfolio_99, self.expected_shortfall_975):
            raise ValueError("expected value at risk at 95 % to be the smallest of the three figures")
        return self


class RegimeState(Part):
    """Regime model with its frozen state labels, and whether it earned its place over the volatility ratio."""

    model: Name
    parameters: Evidence
    labels: tuple[Name, ...]
    adopted: bool
    reasons: tuple[str, ...]


class Calibration(Part):
    """One day's calibration: content, plus what the registry says about it."""

    as_of: date
    created: str
    status: Status = "candidate"
    reasons: tuple[str, ...] = ()
    data_hash: Name
    code_version: Name
    policy_hash: Name
    legs: Mapping[str, LegState]
    normal_correlation: Matrix
    current_correlation: Matrix
    residual_quantiles: Mapping[str, ResidualTail]
    value_at_risk: PortfolioRisk
    regime: RegimeState
    evidence: Evidence

    @field_validator("created")
    @classmethod
    def _created_is_utc(cls, created: str) -> str:
        return utc(created)

    @field_validator("legs")
    @classmethod
    def _all_legs(cls, legs: Mapping[str, LegState]) -> Mapping[str, LegState]:
        if set(legs) != set(LEGS):
            raise ValueError(f"expected exactly the legs {', '.join(LEGS)}")
        return legs

    @field_validator("residual_quantiles")
    @classmethod
    def _tail_gets_heavier(cls, tails: Mapping[str, ResidualTail]) -> Mapping[str, ResidualTail]:
        try:
            confidences = sorted(tails, key=float)
        except ValueError as error:
            raise ValueError("expected confidences such as '0.95' as keys") from error
        if not confidences or not all(0.5 < float(confidence) < 1.0 for confidence in confidences):
            raise ValueError("expected at least one confidence between 0.5 and 1")
        quantiles = [tails[confidence].quantile for confidence in confidences]
        if quantiles != sorted(quantiles):
            raise ValueError("expected quantiles that do not fall as the confidence rises")
        return tails

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Self:
        """Validate a calibration given as nested mappings; arrays are welcome where a matrix belongs.

        Parameters
        ----------
        table : mapping
            Fields by name.

        Returns
        -------
        Calibration

        Raises
        ------
        ModelError
            Names every field that is missing, unknown, not finite or inconsistent.
        """
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            lines = [
                f"{'.'.join(str(part) for part in details['loc'])}: {details['msg']}, got {_short(details['input'])}"
                for details in error.errors()
            ]
            raise ModelError("not a valid calibration: " + "; ".join(lines)) from error

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything but the time of making, status and reasons."""
        return hashlib.sha256(
            canonical_json(self.model_dump(mode="json", exclude=set(NOT_CONTENT))).encode()
        ).hexdigest()

    @property
    def id(self) -> str:
        """Day and the first digits of the content hash, ``2026-10-30-1f3a…``."""
        return f"{self.as_of.isoformat()}-{self.content_hash[:ID_DIGITS]}"


def utc(text: str) -> str:
    """Check a time stamp: ISO 8601 with an offset of zero.

    Parameters
    ----------
    text : str
        For example ``2026-10-30T06:00:00+00:00``.

    Returns
    -------
    str
        The same text.

    Raises
    ------
    ValueError
        When it is not a time, has no zone, or is not UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None or moment.utcoffset():
        raise ValueError("expected a time in UTC such as 2026-10-30T06:00:00+00:00")
    return text


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; `relative_change` is after ÷ before − 1 where both are numbers."""

    path: str
    before: JsonValue
    after: JsonValue
    relative_change: float | None


def differences(before: Calibration, after: Calibration) -> list[Difference]:
    """Compare the content of two calibrations field by field.

    Parameters
    ----------
    before, after : Calibration
        Reference first.

    Returns
    -------
    list of Difference
        Fields that differ, in the order of their paths; what only one of them has is ``"absent"`` in the other.
    """
    old, new = (dict(_leaves("", one.model_dump(mode="json", exclude=set(NOT_CONTENT)))) for one in (before, after))
    changed = [path for path in sorted(old.keys() | new.keys()) if old.get(path, _ABSENT) != new.get(path, _ABSENT)]
    return [
        Difference(path, old.get(path, _ABSENT), new.get(path, _ABSENT), _relative(old.get(path), new.get(path)))
        for path in changed
    ]


_ABSENT = "absent"


def _leaves(path: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, below)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _leaves(f"{path}[{place}]", below)
    else:
        yield path, value


def _relative(before: JsonValue, after: JsonValue) -> float | None:
    numbers = [value for value in (before, after) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2 or numbers[0] == 0:
        return None
    return numbers[1] / numbers[0] - 1


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
