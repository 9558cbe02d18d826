"""Path models: daily returns of the seven USD legs for a Monte Carlo, zero mean, seeded from outside."""

from workbench.stress.paths.block_bootstrap import BlockBootstrap
from workbench.stress.paths.garch import GarchT, garch_of
from workbench.stress.paths.jump_diffusion import JumpDiffusion, jump_diffusion_of
from workbench.stress.paths.protocol import FLOOR, PathModel
from workbench.stress.paths.regime_switching import RegimeSwitching, regime_switching_of

__all__ = [
    "FLOOR",
    "BlockBootstrap",
    "GarchT",
    "JumpDiffusion",
    "PathModel",
    "RegimeSwitching",
    "garch_of",
    "jump_diffusion_of",
    "regime_switching_of",
]
