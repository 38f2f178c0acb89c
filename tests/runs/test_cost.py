"""What a run costs: the user's rate before the dated hint, and nothing where neither is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.guide.pace import Pace
from tui_ft.guide.volume import Volume
from tui_ft.runs.money.forecast import cost
from tui_ft.runs.money.prices import HINTS_OF, rate_of

TWO_HOURS = Pace(volume=Volume(), low_s=3600.0, high_s=7200.0, basis="formula")


def test_cost_is_rate_by_hours_by_gpus() -> None:
    money = cost(TWO_HOURS, rate_of(2.5, "NVIDIA H200", "€"), gpus=2)
    assert (money.low, money.high) == (5.0, 10.0)
    assert money.text == "€2.50 a GPU hour (your price_per_hour)"


def test_without_a_rate_the_dated_hint_stands_as_one() -> None:
    money = cost(TWO_HOURS, rate_of(None, "NVIDIA H100 80GB HBM3"))
    assert (money.low, money.high) == (2.0, 9.6)
    assert HINTS_OF in money.text and "$2.00–4.80" in money.text


def test_what_is_not_known_costs_nothing_that_is_known() -> None:
    assert cost(TWO_HOURS, rate_of(None, "NVIDIA L4")).low is None
    assert "price_per_hour" in cost(TWO_HOURS, None).text
    assert cost(Pace(volume=Volume()), rate_of(1.0, None)).high is None
    assert rate_of(None, "NVIDIA GeForce RTX 4090 Laptop GPU") is None


def test_a_gpu_of_one_s_own_may_cost_nothing() -> None:
    assert cost(TWO_HOURS, rate_of(0.0, None)).high == 0.0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("price_per_hour = -1", "no price"),
        ("price_per_hour = " + "[" * 5000, "cannot be read"),
        ("price_per_hour = inf", "no price"),
        ("price_per_hour = nan", "no price"),
        ('price_per_hour = "2"', "price_per_hour has to be a number. For example price_per_hour = 2.5"),
        ('[price_per_gpu]\nH100 = "2"', "an entry of price_per_gpu has to be a number"),
        ('[notify.me]\nurl = "x"', r"\[notify.me\] has no kind"),
        ('[notify.me]\nkind = "ntfi"', "notify.me.kind is none of webhook, ntfy"),
        ('[hooks.stop]\ncommand = "x"\nat_once = "yes"', "hooks.stop.at_once has to be true or false"),
        ('currency = "\\u001b[31m"', "currency"),
        ("price_per_hours = 2", "price_per_hours is no setting. Did you mean price_per_hour"),
    ],
)
def test_a_wrong_price_in_the_settings_is_a_sentence(
    line: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "tui-ft").mkdir()
    (tmp_path / "tui-ft" / "settings.toml").write_text(line + "\n")
    with pytest.raises(TuiFtError, match=why):
        settings.load()


def test_the_price_is_read_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "tui-ft").mkdir()
    (tmp_path / "tui-ft" / "settings.toml").write_text('price_per_hour = 3\ncurrency = "€"\n')
    found = settings.load()
    assert (found.price_per_hour, found.currency) == (3.0, "€")
