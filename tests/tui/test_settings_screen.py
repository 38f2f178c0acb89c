"""The Settings step: values are typed, stepped, taken back; memory, steps, time and money follow each key."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked_data import DATA, findings
from method_world import Actions, no_gpu
from settings_world import a_draft, a_gpu, at_settings, go_to
from wizard_world import SIZES

from tui_ft import settings
from tui_ft.spec import declarations
from tui_ft.spec.toml import applies
from tui_ft.tui.widgets import live_head
from tui_ft.tui.wizard.outcome import GoTo

KEYS = ["Enter Next", "Esc Back", "Space Edit", "←→ Change", "a All", "e Editor"]


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))


@pytest.mark.parametrize("size", SIZES)
async def test_the_fields_that_matter_come_first_with_what_the_run_comes_to(size: tuple[int, int]) -> None:
    async with at_settings(size=size) as at:
        await at.sees(
            "Settings that matter", "180 steps of 16 rows", "190k tokens an epoch", "✓ fits", "23.1 free"
        )
        assert at.row("Learning rate").strip().startswith("▸Training")
        assert "2e-4" in at.row("Learning rate") and "usual 1e-4 to 3e-4" in at.row("Learning rate")
        assert "P 16" in at.row("Rank") and "in the preset 8" in at.row("Rank")
        assert all(key in at.lines[-1] for key in KEYS)
        assert all(len(line) <= size[0] for line in at.lines)
        assert "to" in at.row(" Time") and "by formula" in at.row(" Time")
        assert "$" in at.row(" Cost") and "March to May 2026" in at.row(" Cost")


async def test_every_number_follows_a_value_while_it_is_typed() -> None:
    async with at_settings() as at:
        needed = at.row(" Memory")
        await go_to(at, "training.epochs")
        await at.press("6")
        await at.sees("360 steps of 16 rows, 6 epochs", "Enter Take")
        await at.press("0")
        await at.sees("3,600 steps of 16 rows, 60 epochs", "! Epochs 60 is above the usual 1 to 3")
        assert at.draft.spec.training.epochs == 3, "nothing is taken yet"
        await at.press("escape")
        await at.sees("180 steps of 16 rows, 3 epochs")
        await go_to(at, "training.batch_size")
        await at.press("6", "4")
        await at.until(lambda: at.row(" Memory") != needed)
        await at.press("enter")
        await at.until(lambda: at.draft.spec.training.batch_size == 64)
        assert at.outcomes == [], "Enter belonged to the value"
        assert "≠" in at.row("Batch") and "! usual 1 to 16" in at.row("Batch")


async def test_what_is_no_value_is_said_at_once_and_changes_nothing() -> None:
    async with at_settings() as at:
        await go_to(at, "method.rank")
        await at.press("space", "backspace", "backspace", "x")
        await at.sees('✗ method.rank = "x" will not do', "180 steps")
        await at.press("enter")
        await at.sees('✗ method.rank = "x" will not do', "Esc As it was")
        assert at.screen.fields.is_editing and at.draft.spec.method.rank is None
        await at.press("backspace", "2", "4", "enter")
        await at.until(lambda: at.draft.spec.method.rank == 24)
        assert "✗" not in at.text


async def test_keys_of_the_screen_are_letters_while_a_value_is_typed() -> None:
    async with at_settings() as at:
        await go_to(at, "notes.name")
        await at.press(
            "space", *"quarae", "left_square_bracket", "question_mark", "space", "left", "minus", "enter"
        )
        await at.until(lambda: at.draft.spec.notes.name)
        assert at.draft.spec.notes.name == "quarae[?-"
        assert at.outcomes == []


async def test_arrows_step_a_value_and_go_through_choices() -> None:
    async with at_settings() as at:
        await go_to(at, "method.rank")
        await at.press("right")
        await at.until(lambda: at.draft.spec.method.rank == 32)
        await at.press("left", "left")
        await at.until(lambda: at.draft.spec.method.rank == 8)
        await go_to(at, "training.learning_rate")
        await at.press("right")
        await at.until(lambda: at.draft.spec.training.learning_rate == 3e-4)
        await go_to(at, "training.optimizer")
        assert "auto: paged_adamw" in at.row("Optimizer")
        await at.press("right")
        await at.until(lambda: at.draft.spec.training.optimizer == "adamw_torch_fused")
        await go_to(at, "training.gradient_checkpointing")
        await at.press("space")
        await at.until(lambda: at.draft.spec.training.gradient_checkpointing is False)


async def test_differences_are_marked_and_each_is_taken_back_by_a_key() -> None:
    async with at_settings() as at:
        await go_to(at, "method.rank")
        await at.press("right")
        await at.sees("≠ Recommended: 16. P In the preset small-rank: 8.", "u Undo", "r Advised")
        await at.press("r")
        await at.until(lambda: "≠" not in at.row("Rank"))
        assert "P 16" in at.row("Rank")
        await at.press("u")
        await at.until(lambda: at.draft.spec.method.rank == 32)
        await at.press("u")
        await at.until(lambda: at.draft.spec.method.rank is None)
        await at.until(lambda: "u Undo" not in at.lines[-1])
        await at.press("right", "delete")
        await at.until(lambda: at.draft.spec.method.rank is None)


async def test_undo_here_leaves_what_was_answered_before() -> None:
    draft = a_draft()
    draft.set("training.epochs=2")
    async with at_settings(draft) as at:
        await at.press("u", "u")
        await at.pilot.pause()
        assert at.draft.spec.training.epochs == 2


async def test_all_fields_of_the_method_are_there_on_a_key() -> None:
    async with at_settings(size=(120, 40)) as at:
        await go_to(at, "training.warmup")
        await at.press("a")
        await at.sees("All settings")
        shown = {row.path for row in at.screen.fields.rows}
        used = {path for path in declarations.paths() if applies(at.draft.spec, declarations.find(path))}
        assert shown == used and len(shown) > 50
        assert at.screen.fields.chosen.path == "training.warmup", "the cursor stays on its field"
        await go_to(at, "tracking.report_to")
        await at.sees("This version cannot start reporting to a tracker yet.")
        await at.press("a")
        await at.sees("Settings that matter")


async def test_a_change_that_cannot_be_is_a_sentence() -> None:
    async with at_settings() as at:
        await at.press("a")
        await go_to(at, "evaluation.every_epochs")
        await at.press("space", "1", "enter")
        await at.until(lambda: at.draft.spec.evaluation.every_epochs)
        await go_to(at, "evaluation.every_steps")
        await at.press("5", "enter")
        await at.sees("✗ evaluation.every_steps and evaluation.every_epochs are both set.")
        await at.press("escape")
        assert at.draft.spec.evaluation.every_steps is None


async def test_another_method_brings_its_own_fields() -> None:
    async with at_settings() as at:
        at.draft.set("method.kind=full")
        at.screen._show_fields()
        await at.until(lambda: not at.row("Rank"))
        await at.sees("Usual: 5e-6 to 5e-5", "✗ does not fit")


@pytest.mark.parametrize(("keys", "outcome"), [(("enter",), "next"), (("escape",), "back"), (("q",), "leave"),
                                               (("left_square_bracket",), GoTo("method"))])  # fmt: skip
async def test_the_step_ends_as_every_step_does(keys: tuple[str, ...], outcome: object) -> None:
    async with at_settings() as at:
        await at.press(*keys)
        await at.until(lambda: at.outcomes)
        assert at.outcomes == [outcome]


async def test_unknown_data_and_no_gpu_are_dashes_with_their_reasons() -> None:
    async with at_settings(a_draft(checked=False), no_gpu()) as at:
        await at.sees(
            "– unknown", "no GPU here", "– steps of", "– tokens an epoch", "the data is not checked yet"
        )
        assert "–" in at.row(" Time") and "the time is not known" in at.row(" Cost")
        await at.press("a")
        await go_to(at, "training.max_steps")
        await at.press("4", "0")
        await at.sees("40 steps of 16 rows, as max_steps says")


async def test_a_model_that_nobody_knows_is_a_sentence() -> None:
    async with at_settings(a_draft(model="nobody/knows-this")) as at:
        await at.sees("nobody/knows-this is no folder, no model of the catalogue")


async def test_the_user_s_own_price_goes_before_the_hint(tmp_path: Path) -> None:
    folder = settings.config_folder()
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text('price_per_hour = 2.0\ncurrency = "€"\n')
    async with at_settings() as at:
        await at.sees("€2.00 a GPU hour (your price_per_hour)")


async def test_a_partial_check_is_said_beside_its_numbers() -> None:
    draft = a_draft()
    draft.findings[DATA] = findings(is_partial=True)
    async with at_settings(draft, size=(120, 40)) as at:
        await at.sees("of a check that was ended early")


async def test_free_memory_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_head, "GPUS_EVERY_S", 0.02)
    nvml = a_gpu()
    async with at_settings(nvml=nvml) as at:
        await at.sees("23.1 free")
        nvml.devices[0]["memory"] = a_gpu(2.0).devices[0]["memory"]
        await at.sees("2.0 free", "✗ does not fit")


async def test_a_control_character_from_a_paste_never_reaches_the_screen() -> None:
    from textual import events

    async with at_settings() as at:
        await go_to(at, "notes.name")
        await at.press("space")
        at.screen.fields.post_message(events.Paste("a\x1b[31mb\nc"))
        await at.press("enter")
        await at.until(lambda: at.draft.spec.notes.name)
        assert at.draft.spec.notes.name == "a[31mb c"


async def test_gpus_that_cannot_be_read_leave_the_rest_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Actions, "read_gpus", broken, raising=False)
    monkeypatch.setattr(Actions, "__init__", lambda self, app: None)
    async with at_settings() as at:
        await at.sees("The GPUs cannot be read: Input/output error", "180 steps of 16 rows")


async def test_steps_that_are_given_are_said_in_epochs() -> None:
    async with at_settings(a_draft("training.max_steps=30")) as at:
        await at.sees("30 steps of 16 rows, 0.5 epochs by max_steps")


async def test_a_value_too_long_for_its_row_is_whole_below() -> None:
    path = "/data/" + "long/" * 12 + "rows.jsonl"
    async with at_settings() as at:
        at.draft.set(f"data.train={path}")
        await at.press("a")
        await go_to(at, "data.train")
        await at.sees(path)


async def test_a_choice_that_is_seldom_right_is_pointed_at() -> None:
    async with at_settings() as at:
        await at.press("a")
        await go_to(at, "model.trust_remote_code")
        await at.press("space")
        await at.sees("! Trust remote code on: runs Python code that came with the model.")


@pytest.mark.parametrize("size", [(60, 16), (30, 10), (200, 60)])
async def test_other_sizes_are_no_harm(size: tuple[int, int]) -> None:
    async with at_settings(size=size) as at:
        await at.press("down", "a", "pagedown", "end", "space", "x", "escape")
        assert all(len(line) <= size[0] for line in at.lines)


async def test_rows_that_a_length_cuts_are_counted() -> None:
    async with at_settings() as at:
        await go_to(at, "data.max_length")
        await at.sees("Here the longest row has 400 tokens; cut, their mean is 200.")
        await at.press("3", "0", "0")
        await at.sees("! Length 300: 25 % of the rows are longer and lose their end.")
        await at.press("escape")
        await at.until(lambda: "!" not in at.row("Length  "))
        await go_to(at, "data.packing")
        await at.sees("Here about 5.1 rows would share a sequence.")
