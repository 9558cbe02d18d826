"""What a paper broker does to orders: times, prices and troubles, all configurable."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from workbench.domain.errors import ConfigError
from workbench.domain.policy.fields import Cardinal, Count, Fraction, NonNegative, Positive, Section, refuse


class PaperPlan(Section):
    """Times in milliseconds, prices in pips, troubles as probabilities of each order; by default none but small ones.

    Attributes
    ----------
    acknowledge_ms, acknowledge_jitter_ms, execute_ms, execute_jitter_ms : float
        Mean latency and the most it differs, of the acknowledgement and of the execution after it.
    slippage_pips, slippage_jitter_pips : float
        Mean and standard deviation of what a price is worse than the quote.
    price_lives_seconds : float
        An order that finds no younger price is rejected.
    partial_fill_probability, rest_cancelled_probability : float
        That a part is executed first, and that the rest of it then never is.
    rejection_probability : float
        That the broker will not have the order.
    lost_acknowledgement_probability, lost_report_probability : float
        That a report of acceptance, or any later one, never comes.
    duplicate_report_probability, late_report_probability, late_report_ms : float
        That a report comes twice, or late, and how late at most.
    timeout_before_probability, timeout_after_probability : float
        That sending ends without an answer although the order was not, or was, accepted.
    outages_ns : tuple of (int, int)
        Windows in which nothing answers; orders accepted before are executed all the same.
    outage_probability, outage_seconds : float
        That sending an order begins an outage, and its length.
    orders_per_second : int
        More are turned away.
    """

    acknowledge_ms: NonNegative = 40.0
    acknowledge_jitter_ms: NonNegative = 20.0
    execute_ms: NonNegative = 30.0
    execute_jitter_ms: NonNegative = 20.0
    slippage_pips: NonNegative = 0.05
    slippage_jitter_pips: NonNegative = 0.05
    price_lives_seconds: Positive = 5.0
    partial_fill_probability: Fraction = 0.01
    rest_cancelled_probability: Fraction = 0.2
    rejection_probability: Fraction = 0.0005
    lost_acknowledgement_probability: Fraction = 0.0
    lost_report_probability: Fraction = 0.0
    duplicate_report_probability: Fraction = 0.0
    late_report_probability: Fraction = 0.0
    late_report_ms: NonNegative = 500.0
    timeout_before_probability: Fraction = 0.0
    timeout_after_probability: Fraction = 0.0
    outages_ns: tuple[tuple[Cardinal, Cardinal], ...] = ()
    outage_probability: Fraction = 0.0
    outage_seconds: NonNegative = 5.0
    orders_per_second: Count = 100

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for mean, jitter in (("acknowledge_ms", "acknowledge_jitter_ms"), ("execute_ms", "execute_jitter_ms")):
            if getattr(self, jitter) > getattr(self, mean):
                refuse(jitter, f"at most {getattr(self, mean)!r} ({mean})", getattr(self, jitter))
        for place, (start_ns, end_ns) in enumerate(self.outages_ns):
            if end_ns <= start_ns:
                refuse(f"outages_ns[{place}]", "an end after the start", [start_ns, end_ns])
        if self.timeout_before_probability + self.timeout_after_probability > 1.0:
            total = self.timeout_before_probability + self.timeout_after_probability
            refuse("timeout_after_probability", "at most 1 with timeout_before_probability", total)
        return self

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Self:
        """Validate a plan given as a mapping; what it leaves out is the default.

        Parameters
        ----------
        table : mapping
            As TOML would give it.

        Returns
        -------
        PaperPlan

        Raises
        ------
        ConfigError
            Names every key that is unknown or out of range, what was expected and what was got.
        """
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            lines = [_sentence(details) for details in error.errors()]
            raise ConfigError("the plan of the paper broker is refused: " + "; ".join(lines)) from error

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read a plan from a TOML file.

        Parameters
        ----------
        path : Path
            Source.

        Returns
        -------
        PaperPlan

        Raises
        ------
        ConfigError
            When it cannot be read, is no TOML, or for any reason of `from_mapping`; names the file.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read the paper plan {path}: {error.strerror}; give an existing file") from error
        except ValueError as error:  # not TOML, or not UTF-8
            raise ConfigError(f"paper plan {path} is not valid TOML: {error}") from error
        try:
            return cls.from_mapping(table)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def _sentence(details: Any) -> str:
    parts = [str(part) for part in details["loc"]]
    if details["type"] == "extra_forbidden":
        return f"{'.'.join(parts)}: unknown key, expected one of {', '.join(PaperPlan.model_fields)}"
    context = details.get("ctx", {})
    path = ".".join(part for part in (*parts, context.get("key", "")) if part)
    message = details["msg"].replace("Input should be", "expected")
    return f"{path}: {message}, got {context.get('got', details['input'])!r}"
