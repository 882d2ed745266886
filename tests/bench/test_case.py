"""The benchmark as a program: one small case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.run import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_case_is_measured_against_its_baseline_and_reported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "local.harness.cli.SignalHandler.install", lambda _: None
    )  # pytest has its own
    options = "--quick --rounds 1 --seconds 1 --cases sold-out --out"
    assert main([*options.split(), str(tmp_path)]) == 0, capfd.readouterr().err
    record = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    variants = record["cases"]["sold-out"]["variants"]
    assert all(each["per_s"]["median"] > 0 for each in variants.values())
    assert record["cases"]["sold-out"]["ratios"]["sold out"]["median"] > 0
    assert (tmp_path / "throughput.svg").read_text("utf-8").count("bare Granian")
    assert "| bare Granian |" in (tmp_path / "bench.md").read_text("utf-8")
