"""Compiling the step from its end: a second process does it while the loop's own compiles from the beginning.

Compiled kernels are kept on the disk one by one, so each of two processes finds there what the other has finished, and
a start after an installation takes half the time on two cores. Nothing depends on it: what is missing is compiled where
it is needed.
"""

import inspect
from typing import Any

import numba
import numpy as np

from workbench.engine.kernel import step as kernel
from workbench.engine.kernel.desk import Desk
from workbench.engine.kernel.layout import DECISION, EVENT, SETTINGS, STATE, WORK


def compile_from_the_end() -> list[str]:
    """Compile the kernels the step calls, the last one first.

    Returns
    -------
    list of str
        Their names.
    """
    types, done = types_by_name(), list[str]()
    for name in reversed(kernel.step.py_func.__code__.co_names):  # type: ignore[attr-defined]
        called = getattr(kernel, name, None)
        if not isinstance(called, numba.core.dispatcher.Dispatcher):
            continue
        asked = inspect.signature(called.py_func).parameters
        if asked.keys() <= types.keys():
            called.compile(tuple(types[one] for one in asked))
            done.append(name)
    return done


def types_by_name() -> dict[str, numba.types.Type]:
    """Types of what the step hands on, as numba sees them.

    Returns
    -------
    dict of str to Type
        By the name of the parameter.
    """
    settings, state, work, event = (_array_of(one).dtype for one in (SETTINGS, STATE, WORK, EVENT))
    desk = numba.types.NamedTuple((settings, state, work, _array_of(DECISION)), Desk)  # type: ignore[no-untyped-call]
    flag, kind = numba.types.boolean, numba.from_dtype(EVENT["kind"])
    return {"desk": desk, "event": event, "kind": kind, "put_on": flag, "repriced": flag}


def _array_of(layout: np.dtype[Any]) -> numba.types.Array:
    return numba.types.Array(numba.from_dtype(layout), 1, "C")
