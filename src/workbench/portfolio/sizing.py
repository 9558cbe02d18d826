"""Five-factor sizing: target = base × volatility × correlation × regime × stress, then the most restrictive cap.

``base = equity × allocation × risk per trade / stop distance``. The product of the factors is kept between two limits,
caps apply by minimum, units are rounded towards zero. Anything missing gives 0. The compiled rules here are the ones
the engine runs; `size_position` runs them one by one and says what each did.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled
from workbench.domain.errors import ConfigError
from workbench.domain.policy import Policy
from workbench.domain.tables import html_table, number
from workbench.domain.trading.modes import Regime

Floats = NDArray[np.float64]


@compiled
def volatility_factor(ratio: float, full_until: float) -> float:
    """1 up to `full_until` of current over normal volatility, then falling in proportion; 0 when not computable."""
    if not (math.isfinite(ratio) and ratio >= 0.0):
        return 0.0
    return 1.0 if ratio <= full_until else full_until / ratio


@compiled
def correlation_factor(mean_absolute: float, full_until: float, at_one: float) -> float:
    """1 up to `full_until` of the mean absolute correlation, then linear to `at_one` at 1; 0 when not computable."""
    if not (math.isfinite(mean_absolute) and mean_absolute >= 0.0):
        return 0.0
    if mean_absolute <= full_until:
        return 1.0
    beyond = (min(mean_absolute, 1.0) - full_until) / (1.0 - full_until)
    return 1.0 - (1.0 - at_one) * beyond


@compiled
def stress_factor(score: float, scores: Floats, factors: Floats, knots: int) -> float:
    """Piecewise linear between the knots, constant outside; 0 when not computable."""
    if not (math.isfinite(score) and score >= 0.0):
        return 0.0
    if score <= scores[0]:
        return float(factors[0])
    for k in range(1, knots):
        if score <= scores[k]:
            share = (score - scores[k - 1]) / (scores[k] - scores[k - 1])
            return float((1.0 - share) * factors[k - 1] + share * factors[k])
    return float(factors[knots - 1])


@compiled
def kept_multiplier(product: float, minimum: float, maximum: float) -> float:
    """Product of the factors kept between the limits; 0 when a factor is 0 or not a number."""
    if not (math.isfinite(product) and product > 0.0):
        return 0.0
    return min(max(product, minimum), maximum)


@compiled
def base_notional(equity: float, allocation: float, risk_per_trade: float, stop_distance: float) -> float:
    """US dollars at multiplier 1: a stop then costs `risk_per_trade` of the capital; 0 when not computable."""
    notional = equity * allocation * risk_per_trade / stop_distance
    computable = math.isfinite(notional) and equity > 0.0 and stop_distance > 0.0 and notional > 0.0
    return notional if computable else 0.0


@compiled
def whole_units(notional: float, base_value: float, step: float) -> float:
    """Units of the base currency for an amount of US dollars, rounded down to whole steps; 0 when not computable."""
    units = notional / base_value
    if not (math.isfinite(units) and base_value > 0.0 and units > 0.0):
        return 0.0
    return math.floor(units / step) * step


@dataclass(frozen=True, slots=True)
class SizingInputs:
    """What a position is sized on; every reading is from before the order.

    Attributes
    ----------
    equity : float
        US dollars.
    allocation, risk_per_trade : float
        Share of equity, and share of that lost at the stop.
    volatility_ratio : float
        Current over normal volatility.
    correlation_mean : float
        Mean absolute leg correlation.
    regime : Regime
        Sizes the position, and its stop distance.
    stress_score : float
        0 to 100.
    cap : float
        Most restrictive cap of ladders and market condition.
    base_value : float
        US dollars per unit of the base currency.
    """

    equity: float
    allocation: float
    risk_per_trade: float
    volatility_ratio: float
    correlation_mean: float
    regime: Regime
    stress_score: float
    cap: float
    base_value: float


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor: its input (NaN for a name), its value, and the US dollars the position lost or gained by it."""

    name: str
    reading: float
    value: float
    effect: float


@dataclass(frozen=True, slots=True)
class PositionSize:
    """A size, and how it came about; `units` ≥ 0, of the base currency."""

    base_notional: float
    factors: tuple[Factor, ...]
    multiplier: float
    notional: float
    units: float

    def _repr_html_(self) -> str:
        rows = [["base", "", "", f"{self.base_notional:,.0f}"]]
        rows += [
            [one.name, number(one.reading, ".4g"), f"× {one.value:.4g}", f"{one.effect:+,.0f}"] for one in self.factors
        ]
        rows.append(["position", "", f"× {self.multiplier:.4g}", f"{self.notional:,.0f}"])
        caption = f"{self.units:,.0f} units of the base currency"
        return html_table(["factor", "reading", "value", "US dollars"], rows, caption=caption)


def regime_factor_of(policy: Policy, regime: Regime) -> float:
    """Sizing factor of a regime.

    Parameters
    ----------
    policy : Policy
        Its sizing table.
    regime : Regime
        LOW_VOLATILITY has no factor of its own and is sized as normal.

    Returns
    -------
    float
    """
    name = "normal" if regime is Regime.LOW_VOLATILITY else regime.name.lower()
    return float(getattr(policy.sizing.regime, name))


def size_position(policy: Policy, inputs: SizingInputs) -> PositionSize:
    """Size a position and say what each factor did.

    Parameters
    ----------
    policy : Policy
        Sizing and adaptation tables.
    inputs : SizingInputs
        Readings.

    Returns
    -------
    PositionSize
        Effects add up: base + effects = notional before rounding to units.

    Raises
    ------
    ConfigError
        When the allocation or the risk per trade is not positive.

    Examples
    --------
    >>> from workbench.data.policy_file import read_policy
    >>> calm = SizingInputs(1e6, 0.1, 0.01, 1.0, 0.5, Regime.NORMAL, 10.0, 1.0, 1.25)
    >>> size_position(read_policy(None), calm).units
    40000.0
    """
    if not (inputs.allocation > 0 and inputs.risk_per_trade > 0):
        raise ConfigError(
            f"allocation and risk_per_trade must be positive, got {inputs.allocation!r} and {inputs.risk_per_trade!r}"
        )
    sizing = policy.sizing
    scores, factors = np.array(sizing.stress.scores, dtype=float), np.array(sizing.stress.factors, dtype=float)
    values = (
        ("volatility over normal", inputs.volatility_ratio,
         volatility_factor(inputs.volatility_ratio, sizing.volatility.full_until_ratio)),
        ("mean absolute correlation", inputs.correlation_mean,
         correlation_factor(inputs.correlation_mean, sizing.correlation.full_until, sizing.correlation.factor_at_one)),
        (f"regime {inputs.regime.name.lower().replace('_', ' ')}", math.nan,
         regime_factor_of(policy, inputs.regime)),
        ("stress score", inputs.stress_score, stress_factor(inputs.stress_score, scores, factors, len(scores))),
    )  # fmt: skip
    stop = policy.adaptation.stop_distance_of(inputs.regime)
    base = base_notional(inputs.equity, inputs.allocation, inputs.risk_per_trade, stop)
    lines, running = [], 1.0
    for name, reading, value in values:
        lines.append(Factor(name, reading, value, base * running * (value - 1.0)))
        running *= value
    kept = kept_multiplier(running, sizing.multiplier_minimum, sizing.multiplier_maximum)
    lines.append(
        Factor("limits of the product", running, kept / running if running > 0 else 0.0, base * (kept - running))
    )
    multiplier = min(kept, inputs.cap) if math.isfinite(inputs.cap) and inputs.cap >= 0 else 0.0
    lines.append(
        Factor("most restrictive cap", inputs.cap, multiplier / kept if kept > 0 else 0.0, base * (multiplier - kept))
    )
    units = whole_units(base * multiplier, inputs.base_value, UNIT_STEP)
    return PositionSize(base, tuple(lines), multiplier, base * multiplier, units)


UNIT_STEP = 1.0
"""Smallest change of a position, units of the base currency."""
