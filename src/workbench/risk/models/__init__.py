"""Every VaR and ES model, by name. One file and one line in `MODELS` adds another.

`COMBINATION` is the equal-weight mean of `MEMBERS`; the race works it out from their forecasts.
"""

from workbench.risk.models.caviar import Caviar
from workbench.risk.models.empirical import CornishFisher, EwmaNormal, FilteredHistorical, Historical
from workbench.risk.models.garch_models import garch_model
from workbench.risk.models.protocol import CONFIDENCES, Forecast, VarModel

ALL: tuple[VarModel, ...] = (
    Historical(),
    EwmaNormal(),
    FilteredHistorical(),
    CornishFisher(),
    garch_model("normal"),
    garch_model("t"),
    garch_model("skewt"),
    garch_model("normal", asymmetric=True),
    garch_model("t", asymmetric=True),
    garch_model("skewt", asymmetric=True),
    garch_model("normal", tail_kind="empirical"),
    garch_model("normal", tail_kind="extreme"),
    Caviar(),
)
MODELS: dict[str, VarModel] = {model.name: model for model in ALL}

BENCHMARK = "fhs-ewma"
COMBINATION = "combination"
MEMBERS = ("fhs-ewma", "garch-t", "garch-fhs", "garch-evt")
"""Members of the equal-weight combination, fixed before the race."""

__all__ = ["BENCHMARK", "COMBINATION", "CONFIDENCES", "MEMBERS", "MODELS", "Forecast", "VarModel"]
