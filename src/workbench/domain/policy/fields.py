"""Bricks of the policy: frozen sections that refuse unknown keys, and numbers that carry their range.

A refusal raised here travels through pydantic to `workbench.domain.policy`, which turns it into a `ConfigError`
that names the key by its path in the TOML file.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Fraction = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]
"""A share of a whole; 0.05 is five per cent."""
Share = Annotated[float, Field(strict=True, gt=0.0, le=1.0, allow_inf_nan=False)]
"""A fraction that may not be zero."""
Change = Annotated[float, Field(strict=True, gt=-1.0, lt=1.0, allow_inf_nan=False)]
"""A signed simple return; -0.09 is a fall by nine per cent."""
Positive = Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)]
Multiple = Annotated[float, Field(strict=True, ge=1.0, allow_inf_nan=False)]
"""How many times the normal size; at least one."""
Count = Annotated[int, Field(strict=True, ge=1)]
Cardinal = Annotated[int, Field(strict=True, ge=0)]
"""A count that may be zero."""
AlertLevel = Annotated[int, Field(strict=True, ge=1, le=4)]
Text = Annotated[str, Field(strict=True, min_length=1)]
TimeOfDay = Annotated[str, Field(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Hours and minutes, UTC."""


class Section(BaseModel):
    """One table of the policy: frozen; unknown and missing keys are errors; no number has a hidden default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def refuse(key: str, expected: str, got: object) -> NoReturn:
    """Refuse a value that is fine alone but not beside its neighbours.

    Parameters
    ----------
    key : str
        Path of the key below the section that is being validated.
    expected : str
        What would have been right, in words.
    got : object
        What the file says.

    Raises
    ------
    PydanticCustomError
        Always; the policy reader makes a `ConfigError` of it.
    """
    raise PydanticCustomError("policy", "expected {expected}", {"key": key, "expected": expected, "got": got})


def hold_order(keys: Sequence[str], values: Sequence[Any], rule: str, rank: Callable[[Any], float] = float) -> None:
    """Refuse values that leave their order, naming the first key that does.

    Parameters
    ----------
    keys : sequence of str
        Path of each value below the section.
    values : sequence
        Values in the order of the table, mildest first.
    rule : {"rising", "falling", "not falling", "not rising"}
        Rising and falling are strict.
    rank : callable, optional
        Number by which a value is compared.

    Raises
    ------
    PydanticCustomError
        When one value breaks the rule against the value before it.
    """
    holds: dict[str, tuple[str, Callable[[float, float], bool]]] = {
        "rising": ("more than", lambda before, after: after > before),
        "falling": ("less than", lambda before, after: after < before),
        "not falling": ("at least", lambda before, after: after >= before),
        "not rising": ("at most", lambda before, after: after <= before),
    }
    words, holds_between = holds[rule]
    for place in range(1, len(values)):
        before, after = values[place - 1], values[place]
        if not holds_between(rank(before), rank(after)):
            refuse(keys[place], f"{words} {before!r} ({keys[place - 1]})", after)


def hold_sum(keys: Sequence[str], values: Sequence[float], total: float) -> None:
    """Refuse shares that do not add up to their whole.

    Parameters
    ----------
    keys : sequence of str
        Path of each share below the section.
    values : sequence of float
        The shares.
    total : float
        What they must add up to, within 1e-9.

    Raises
    ------
    PydanticCustomError
        Names all keys of the sum.
    """
    if abs(sum(values) - total) > 1e-9:
        refuse(" + ".join(keys), f"a sum of {total:g}", sum(values))


def _short_then_long(windows: tuple[int, int]) -> tuple[int, int]:
    if windows[0] >= windows[1]:
        raise PydanticCustomError("policy", "expected {expected}", {"expected": "the short window before the long one"})
    return windows


Windows = Annotated[tuple[Count, Count], AfterValidator(_short_then_long)]
"""Short and long window of a pair of moving averages, in bars."""


def _low_then_high(limits: tuple[float, float]) -> tuple[float, float]:
    if not limits[0] <= 1.0 <= limits[1]:
        raise PydanticCustomError("policy", "expected {expected}", {"expected": "a low and a high with 1 between them"})
    return limits


FactorLimits = Annotated[tuple[Positive, Positive], AfterValidator(_low_then_high)]
"""Lowest and highest value of a weighting factor; 1 is neutral."""
