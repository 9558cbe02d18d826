"""The one door to the compiler.

Every number-crunching kernel is decorated with `compiled`. With the environment variable ``NUMBA_DISABLE_JIT=1``
the same source runs as plain Python; that is the oracle the compiled code is compared with.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

IS_COMPILED = not bool(getattr(numba.config, "DISABLE_JIT", 0))
"""Whether kernels are compiled in this process, or run as plain Python."""

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel: cached on disk, releases the interpreter lock, division follows IEEE 754.

    Parameters
    ----------
    function : callable
        Plain scalar and array code inside numba's nopython subset.

    Returns
    -------
    callable
        Same signature, same results as the plain function up to the last bit (no fast-math).
    """
    return cast(Callable[P, R], numba.njit(cache=True, nogil=True, error_model="numpy")(function))
