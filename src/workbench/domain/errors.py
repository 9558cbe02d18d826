"""One tree of errors: whose fault is it, and what now.

::

    WorkbenchError
    ├── ConfigError      the configuration, policy or command line: correct it and run again
    ├── DataError        the input data: repair the file, or accept what is flagged on the record
    ├── ModelError       a model could not be fitted or evaluated: fall back, never guess a number
    ├── ExecutionError   a run, broker or pipeline step failed: see the named step, then resume
    ├── AuthorityError   a person may not do this: ask somebody with the role
    └── InvariantError   the program broke its own promise: stop, keep the evidence, report it

A message says what was expected, what was got, where, and what to do, with the value.
"""


class WorkbenchError(Exception):
    """Root of every error raised on purpose by the workbench."""


class ConfigError(WorkbenchError):
    """The configuration, policy or command line is not valid."""


class DataError(WorkbenchError):
    """Input data is missing, malformed or refused."""


class ModelError(WorkbenchError):
    """A model cannot be fitted or evaluated on what it was given."""


class ExecutionError(WorkbenchError):
    """A run, an order or a pipeline step could not be carried out."""


class AuthorityError(WorkbenchError):
    """The actor lacks the authority for this act."""


class InvariantError(WorkbenchError):
    """The program broke one of its own promises."""
