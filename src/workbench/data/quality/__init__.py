"""What is checked, what is flagged, what is refused, and what a person has accepted."""

from workbench.data.quality.acceptance import AcceptanceLog, Acceptor
from workbench.data.quality.assessment import quality_report
from workbench.data.quality.findings import Finding, QualityLimits, SeriesQuality
from workbench.data.quality.report import Gate, QualityReport

__all__ = [
    "AcceptanceLog",
    "Acceptor",
    "Finding",
    "Gate",
    "QualityLimits",
    "QualityReport",
    "SeriesQuality",
    "quality_report",
]
