"""The small market of the engine's tests, for scenarios too."""

import importlib.util
from pathlib import Path

_path = Path(__file__).parents[1] / "engine" / "conftest.py"
_spec = importlib.util.spec_from_file_location("small_market", _path)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
__import__("sys").modules["small_market"] = _module
_spec.loader.exec_module(_module)

policy, calibration, book = _module.policy, _module.calibration, _module.book
market = _module.market
