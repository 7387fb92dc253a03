"""A benchmark's result: one row, printed and written as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure. `ratio` is value / baseline in the same run, None where nothing is compared."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    method: str = ""

    def line(self) -> str:
        """The row as `python -m perf` prints it."""
        against = ""
        if self.baseline is not None:
            against = f"  baseline {self.baseline:,.4g}"
        if self.ratio is not None:
            against += f"  ratio {self.ratio:.2f}"
        return f"{self.name:<32} {self.value:>14,.4g} {self.unit:<14}{against}  {self.method}"


def write_json(rows: list[Row], path: Path) -> None:
    """Writes {"name", "value", "unit", "baseline", "ratio"} a row."""
    keep = ("name", "value", "unit", "baseline", "ratio")
    path.write_text(json.dumps([{k: asdict(row)[k] for k in keep} for row in rows], indent=1))
