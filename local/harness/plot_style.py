"""The plot style of demo, soak and benchmark."""

from __future__ import annotations

from typing import Any

INK = "#222222"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: small, and searchable
}
