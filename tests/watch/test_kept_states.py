"""What is kept of other tools' files besides curves: no secret, and nothing that stops the reading."""

from __future__ import annotations

import pytest

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.series import Series
from tui_ft.watch.sources import event_kept, wandb_kept
from tui_ft.watch.sources.event_kept import KeptEvents
from tui_ft.watch.sources.final_metrics import FinalMetrics
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.sources.wandb_message import Run
from tui_ft.watch.sources.wandb_records import Records
from tui_ft.watch.sources.wandb_rows import HistoryTable

BEYOND: list[dict[str, SettingValue]] = [{"n": 2**70}, {"text": "half \ud800"}, {"\udc00": 1}]


def test_settings_as_they_were_written_are_not_kept() -> None:
    records = Records()
    records.run = Run(id="r", config={"api_key": "s3cret", "n": 2**70})
    kept = wandb_kept.encode(100, 0, HistoryTable(MetricTable()), records)
    assert kept is not None
    assert b"s3cret" not in kept


@pytest.mark.parametrize("settings", BEYOND)
def test_settings_that_no_cache_can_hold_are_no_error(settings: dict[str, SettingValue]) -> None:
    records = Records()
    records.settings = settings
    assert wandb_kept.encode(100, 0, HistoryTable(MetricTable()), records) is None
    events = KeptEvents({}, {}, settings, FinalMetrics().state, None, 0)
    assert event_kept.encode(events) is None


def test_statistics_come_back() -> None:
    records, again = Records(), Records()
    series = records.statistics.series["gpu_power_w"] = Series()
    series.extend([0.0, 15.0, 30.5], [200.0, float("nan"), 210.0])
    kept = wandb_kept.decode(wandb_kept.encode(100, 0, HistoryTable(MetricTable()), records) or b"")
    assert kept is not None
    wandb_kept.restore(kept, HistoryTable(MetricTable()), again)
    found = again.statistics.series["gpu_power_w"]
    assert (list(found.steps), list(map(str, found.values)), found.nonfinite) == (
        [0.0, 15.0, 30.5], ["200.0", "nan", "210.0"], 1,
    )  # fmt: skip
