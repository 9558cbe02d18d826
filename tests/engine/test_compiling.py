"""Compiling from the end: the very kernels the step calls, of the very types, so that nothing is compiled twice."""

import pytest

from workbench.domain.compiled import IS_COMPILED
from workbench.engine.compiling import compile_from_the_end
from workbench.engine.kernel import step as kernel

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the compiler is off")


def test_what_is_compiled_from_the_end_is_what_the_step_has_compiled_by_itself(book):
    book({"EURUSD": 1_000.0})
    calls = [name for name in dir(kernel) if hasattr(getattr(kernel, name), "stats")]
    missed = {name: dict(getattr(kernel, name).stats.cache_misses) for name in calls}
    done = compile_from_the_end()
    assert {name: dict(getattr(kernel, name).stats.cache_misses) for name in calls} == missed
    assert done[:2] == ["close_day", "take_bar"]
    assert done[-1] == "settle_waiting"
    assert {"_control", "_take_other", "read_metrics"} <= set(done)
