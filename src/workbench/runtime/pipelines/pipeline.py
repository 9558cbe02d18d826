"""A pipeline is a short declaration: which steps, in which order, with which inputs, time limits and retries."""

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.domain.errors import ConfigError
from workbench.runtime.pipelines.timetable import Timetable


class Step(BaseModel):
    """One step: a notebook run by papermill, or an action of the program.

    Attributes
    ----------
    name, title : str
        Short name in files and on the command line; what a reader sees.
    notebook, action : str, optional
        Exactly one of them: a path below ``notebooks/``, or a registered action.
    inputs : tuple of str
        Names of the run's inputs handed to it.
    parameters : dict
        Literals handed to it.
    needs : tuple of str
        Earlier steps it reads results of.
    seconds : int
        Time limit of a notebook.
    retries : int
        How often it is tried again after an unexpected failure; a refusal of data or parameters is final.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z_]*$")
    title: str
    notebook: str | None = None
    action: str | None = None
    inputs: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    seconds: int | None = Field(gt=0, default=None)
    retries: int = Field(ge=0, le=5, default=0)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.notebook is None) == (self.action is None):
            raise ValueError(f"step {self.name!r} must have either a notebook or an action")
        if (self.notebook is None) != (self.seconds is None):
            raise ValueError(f"step {self.name!r}: a notebook needs a time limit in seconds, an action has none")
        return self


class Pipeline(BaseModel):
    """Steps, each after those it needs.

    Attributes
    ----------
    name, title : str
        Short name in files; what a reader sees.
    at_once : int
        How many steps may run side by side.
    imports : tuple of str
        Modules its kernels import while they wait for their notebook.
    schedule : Timetable, optional
        When it is to run by itself; a pipeline without one is run by hand.
    steps : tuple of Step
        In the order they are started.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    at_once: int = Field(ge=1, default=1)
    imports: tuple[str, ...] = ()
    schedule: Timetable | None = None
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _order(self) -> Self:
        seen: set[str] = set()
        for step in self.steps:
            if step.name in seen:
                raise ValueError(f"step {step.name!r} is declared twice")
            missing = [need for need in step.needs if need not in seen]
            if missing:
                raise ValueError(f"step {step.name!r} needs {missing[0]!r}, which does not come before it")
            seen.add(step.name)
        return self

    def with_overrides(self, overrides: list[str]) -> "Pipeline":
        """Replace parameters of steps.

        Parameters
        ----------
        overrides : list of str
            ``step.parameter=value``; the value is read as TOML, or as text when it is none.

        Returns
        -------
        Pipeline

        Raises
        ------
        ConfigError
            When the form is wrong, the step does not exist or is not a notebook.
        """
        steps = {step.name: step for step in self.steps}
        for override in overrides:
            place, equals, text = override.partition("=")
            name, dot, parameter = place.partition(".")
            if not (equals and dot and parameter):
                raise ConfigError(f"--set expects step.parameter=value, got {override!r}")
            if name not in steps or steps[name].notebook is None:
                known = ", ".join(step.name for step in self.steps if step.notebook)
                raise ConfigError(f"--set names the step {name!r}; notebook steps of {self.name!r} are {known}")
            changed = {**steps[name].parameters, parameter: literal(text)}
            steps[name] = steps[name].model_copy(update={"parameters": changed})
        return self.model_copy(update={"steps": tuple(steps.values())})


def literal(text: str) -> Any:
    """Read a command-line value: a TOML literal, or else the text itself.

    Parameters
    ----------
    text : str
        As typed.

    Returns
    -------
    bool, int, float, list or str
    """
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, bool | int | float | list | str) else text


def load_pipeline(path: Path) -> Pipeline:
    """Read and check a declaration.

    Parameters
    ----------
    path : Path
        TOML file.

    Returns
    -------
    Pipeline

    Raises
    ------
    ConfigError
        With the file, the key and what is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the pipeline {path}: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f"the pipeline {path} is not valid TOML: {error}") from error
    try:
        return Pipeline.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"the pipeline {path.name} is not valid at {key or 'top level'}: {first['msg']}") from error
