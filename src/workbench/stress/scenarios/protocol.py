"""What a scenario is: a name, a sentence, and the course it gives a book."""

from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.domain.errors import ConfigError
from workbench.stress.course import Course
from workbench.stress.situation import Situation

Shape = Callable[[Situation], Course]


@dataclass(frozen=True, slots=True)
class SyntheticScenario:
    """One synthetic scenario.

    Attributes
    ----------
    name, title, sentence, source : str
        Id, what it is called, what happens, and where its size comes from.
    shape : callable
        Gives the course for a situation.
    correction : callable or None
        Says what had to be mended for a situation, in words, empty when nothing; None where nothing ever is.
    """

    name: str
    title: str
    sentence: str
    source: str
    shape: Shape = field(repr=False)
    correction: Callable[[Situation], str] | None = field(default=None, repr=False)


REGISTRY: dict[str, SyntheticScenario] = {}


def register(
    name: str, *, title: str, sentence: str, source: str = "risk policy, stress.synthetic"
) -> Callable[[Shape], Shape]:
    """Register a scenario under a name.

    Parameters
    ----------
    name : str
        Id, free until now.
    title, sentence, source : str
        As of `SyntheticScenario`; ``{leg}``, ``{volatility}``, ``{correlation}``, ``{spreads}`` and ``{minutes}`` stand
        for the policy's sizes.

    Returns
    -------
    callable
        Decorator of the function that gives the course.

    Raises
    ------
    ConfigError
        When the name is taken.
    """

    def keep(shape: Shape) -> Shape:
        if name in REGISTRY:
            raise ConfigError(f"a scenario named {name!r} is registered already")
        REGISTRY[name] = SyntheticScenario(name, title, sentence, source, shape)
        return shape

    return keep
