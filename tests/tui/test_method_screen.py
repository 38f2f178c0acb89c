"""The Method screen on the boxes that there are: no GPU, one that somebody else half holds, eight of them."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import msgspec
import pytest
from home_world import OpenedRun, Rooms, a_preset, a_run, an_app, ready, shown, until
from method_world import SIZES, at_method, device, eight_gpus, half_a_gpu, no_gpu

from tui_ft.runs import directory
from tui_ft.spec.presets import find_preset
from tui_ft.tui.cell_diff import CellDiff
from tui_ft.tui.screens import method as method_module
from tui_ft.tui.screens import method_numbers
from tui_ft.tui.screens.ask import AskPath, Confirm
from tui_ft.tui.screens.cards import CardsScreen
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.starting import memory
from tui_ft.vram import catalogue
from tui_ft.vram.assess import assess

KEYS = ["Enter Start", "e Parts", "x Exact", "←→ GPU", "/ Model", "? Cards", "q Back"]
METHODS = ["Full", "Last 2 layers", "LoRA r16", "QLoRA r16"]


@pytest.fixture(autouse=True)
def no_inherited_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize("size", SIZES)
async def test_without_a_gpu_it_says_so_and_measures_against_one_to_rent(size: tuple[int, int]) -> None:
    async with at_method(no_gpu(), size=size) as at:
        await at.sees("No GPU (No NVIDIA driver is installed here)", "★ LoRA r16 is recommended")
        for method in METHODS:
            assert "– unknown" in at.row(method)
        assert all(key in at.lines[-1] for key in KEYS)
        assert all(len(line) <= size[0] for line in at.lines)
        await at.press("right", "right")
        await at.sees("Not in this box: RTX 3090 24 GB")
        assert "✓ fits" in at.row("QLoRA r16")
        await at.press("left", "left")
        await at.sees("Not in this box: B200 180 GB")


@pytest.mark.parametrize("size", SIZES)
async def test_a_gpu_half_held_by_others_shows_who_and_what_still_fits(size: tuple[int, int]) -> None:
    async with at_method(half_a_gpu(os.getpid()), size=size) as at:
        await at.sees(
            "GPU 0 GeForce RTX 4090: 24.0 GiB, 11.9 in use, 12.1 free",
            "(pid 4194400) holds 3.6 GiB.",
            f"(pid {os.getpid()}) holds 7.9 GiB.",
            "★ QLoRA r16 is recommended.",
            "12.1 GiB are free",
        )
        assert all("✗ does not fit" in at.row(method) for method in METHODS[:3])
        assert "✓ fits" in at.row("QLoRA r16") and at.row("QLoRA r16").startswith("▸★")
        own, rest = at.row("QLoRA r16").split("│")
        assert own.count("▚") == pytest.approx((own.count("▚") + own.count("█") + own.count("░")) / 2, abs=1)
        assert "█" not in rest
        assert "█" in at.row("LoRA r16").partition("│")[2], "what does not fit stands beyond the wall"
        assert all(len(line) <= size[0] for line in at.lines)


@pytest.mark.parametrize("size", SIZES)
async def test_of_eight_gpus_one_is_looked_at_and_the_run_gets_it(size: tuple[int, int]) -> None:
    async with at_method(eight_gpus(), "demo", size) as at:
        await at.sees("Free GiB 0 ● 50 [1 ○ 139] 2 ○ 139", "GPU 1 H200: 140 GiB", "7 ○ 139")
        await at.press("right", "right")
        await at.sees("[3 ● 53]", "GPU 3 H200: 140 GiB, 86.8 in use, 53.0 free", "(pid 4003) holds 86.0 GiB.")
        assert all(len(line) <= size[0] for line in at.lines)
        await at.press("enter")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, OpenedRun))
        ((spec, text),) = at.actions.started
        assert spec.hardware.gpus == ["GPU-3"]
        assert text is not None and 'gpus = ["GPU-3"]' in text and text.startswith("#")


async def test_the_gpu_that_the_run_would_get_anyway_is_left_to_the_spec() -> None:
    async with at_method(eight_gpus(), "demo") as at:
        await at.press("right", "left")
        await at.sees("[1 ○ 139]")
        await at.press("enter")
        await until(at.pilot, lambda: at.actions.started)
        assert at.actions.started[0][0].hardware.gpus == "auto"


@pytest.mark.parametrize("size", SIZES)
async def test_the_parts_add_up_to_what_is_allocated_and_needed(size: tuple[int, int]) -> None:
    async with at_method(half_a_gpu(1), size=size) as at:
        await at.press("e")
        await at.sees("what its memory consists of", "= needed")
        assert "QLoRA r16" in at.row("QLoRA r16")

        def total(pattern: str) -> float:
            found = re.findall(rf"^ ({pattern}) +(-?\d+\.\d\d) GiB", "\n".join(at.lines), re.MULTILINE)
            return sum(float(size) for _, size in found)

        parts = total(
            r"  (?:weights|adapter|gradients|optimizer|activations|loss|workspace)".replace("(?:", "(?:")
        )
        assert parts == pytest.approx(total("= allocated"), abs=0.04)
        whole = total("= allocated") + total(r"\+ context") + total(r"\+ allocator")
        assert whole == pytest.approx(total("= needed"), abs=0.02)
        await at.press("e")
        await at.sees("★ QLoRA r16 is recommended.")


async def test_a_digit_applies_what_makes_a_method_fit_and_u_takes_it_back() -> None:
    async with at_method(half_a_gpu(1), size=(120, 40)) as at:
        await at.press("up")
        await at.sees("LoRA r16: ", "To make it fit", "1 batch 4 to 1, accumulation 4 to 16", "1-9 Fit")
        await at.press("1")
        await at.sees("Changed batch_size 4 → 1, gradient_accumulation 4 → 16", "u Undo")
        assert at.row("LoRA r16").startswith("▸")
        await at.sees("QLoRA: the base in 4 bit")
        digit = next(step.key for step in at.screen._offered if "QLoRA" in step.change)
        await at.press(digit)
        await until(at.pilot, lambda: at.row("QLoRA r16").startswith("▸★"))
        assert at.screen.desk.spec.method.quantization == "nf4"
        assert at.screen.desk.spec.training.batch_size == 1
        await at.press("u", "u")
        await at.sees("batch 4 × 4")
        await until(at.pilot, lambda: "u Undo" not in at.lines[-1])


async def test_a_smaller_sibling_is_looked_up_and_measured() -> None:
    async with at_method(half_a_gpu(1), "full-8b-141gb", (120, 40)) as at:
        await at.press("home")
        await at.sees("smaller model: Qwen/Qwen3-")
        step = next(step for step in at.screen._offered if step.change.startswith("smaller model"))
        name = step.change.removeprefix("smaller model: ")
        await at.press(step.key)
        await until(at.pilot, lambda: at.lines[0].startswith(f" {name}"))
        await at.press("u")
        await until(at.pilot, lambda: at.lines[0].startswith(" Qwen/Qwen3-8B"))


async def test_any_model_can_be_typed_and_an_unknown_one_is_a_sentence(tmp_path: Path) -> None:
    async with at_method(half_a_gpu(1)) as at:
        await at.press("slash", *"qwen3-", "tab")
        await at.sees("Which model?", "Qwen/Qwen3-0.6B Qwen/Qwen3-1.7B", "▸★ QLoRA r16")
        await at.press(*"0", "tab")
        await until(at.pilot, lambda: at.pilot.app.screen.query_one("#model").value == "Qwen/Qwen3-0.6B")
        await at.press("enter")
        await at.sees("Qwen/Qwen3-0.6B 596M parameters, 28 layers")
        await at.press("slash", *str(tmp_path / "none.json"), "enter")
        await at.sees("✗ There is no ", "Name a model's folder or its config.json.")
        assert at.lines[0].startswith(" Qwen/Qwen3-0.6B")
        (tmp_path / "config.json").write_text('{"model_type": "llama"}')
        await at.press("slash", *str(tmp_path / "config.json"), "enter")
        await at.sees("✗ The config of ", " has no ")


async def test_a_config_alone_is_measured_and_not_started(tmp_path: Path) -> None:
    entry = catalogue.lookup("Qwen/Qwen3-0.6B")
    assert entry is not None
    path = tmp_path / "config.json"
    path.write_bytes(msgspec.json.encode(entry.config))
    async with at_method(half_a_gpu(1), "qlora-8b-24gb", (80, 24), f"model.id={path}") as at:
        await at.sees("596M parameters")
        await at.press("enter")
        await at.sees("✗ A config.json has no weights")
        assert not at.actions.started


async def test_enter_asks_for_data_and_starts_the_chosen_method(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "What is it?", "completion": "A row."}\n' * 200)
    async with at_method(half_a_gpu(1), "qlora-8b-24gb", (80, 24), "model.id=demo") as at:
        await at.press("enter")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, AskPath))
        await at.press(*str(rows), "enter")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, OpenedRun))
        ((spec, _),) = at.actions.started
        assert spec.data.train == str(rows)
        assert spec.method.kind == "lora"


async def test_what_does_not_fit_is_asked_about_and_what_cannot_run_is_refused() -> None:
    async with at_method(half_a_gpu(1), "qlora-8b-24gb", (80, 24), "data.train=demo") as at:
        await at.press("home", "enter")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, Confirm))
        await at.sees("GiB needed, 12.1 free: does not fit (", "It does not fit: ", " 12.1 are free. Start ")
        await at.press("n", "end", "enter")
        await at.sees("✗ IA3 cannot be started with this version: the method ia3 is not built in yet.")
        assert not at.actions.started
        assert at.row("IA3").startswith("▸–")


async def test_the_cards_begin_with_the_chosen_method() -> None:
    async with at_method(no_gpu()) as at:
        await at.press("question_mark")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, CardsScreen))
        await at.sees("─ LoRA ─", "card 3 of", "+ ", "Use it for")
        await at.press("right")
        await at.sees("─ QLoRA ─", "card 4 of")
        await at.press("left", "left")
        await at.sees("─ Last layers only ─")
        await at.press("question_mark")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, HelpScreen))
        await at.press("q", "q")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, method_module.MethodScreen))
        await at.press("q")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, HomeScreen))


async def test_a_gpu_that_fills_up_or_vanishes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(method_numbers, "GPUS_EVERY_S", 0.01)
    async with at_method(half_a_gpu(1)) as at:
        await until(at.pilot, lambda: "✓ fits" in at.row("QLoRA r16"))
        at.nvml.devices[0] = device(0, "GeForce RTX 4090", 23.99, 2.0, (1, 21.0))
        await until(at.pilot, lambda: "✗ does not fit" in at.row("QLoRA r16"))
        await at.sees("22.0 in use, 2.0 free")
        await at.press("end", "enter")
        await at.sees("✗ IA3 cannot be started")
        at.nvml.devices[0] = device(0, "GeForce RTX 4090", 23.99, 3.0, (1, 20.0))
        await at.sees("21.0 in use, 3.0 free", "✗ IA3 cannot be started")
        at.nvml.devices.clear()
        await at.sees("No GPU")
        await until(at.pilot, lambda: "– unknown" in at.row("QLoRA r16"))


async def test_while_nothing_changes_nothing_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(method_numbers, "GPUS_EVERY_S", 0.005)
    reads = painted = 0
    async with at_method(half_a_gpu(1)) as at:
        await at.sees("★ QLoRA r16 is recommended.")
        await at.pilot.pause()
        read, display = at.actions.read_gpus, CellDiff._display

        def counted_read() -> object:
            nonlocal reads
            reads += 1
            at.nvml.devices[0]["util"] = reads % 100  # type: ignore[index]
            return read()

        def counted_display(*arguments: object) -> None:
            nonlocal painted
            painted += 1
            display(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(at.actions, "read_gpus", counted_read)
        monkeypatch.setattr(CellDiff, "_display", counted_display)
        await until(at.pilot, lambda: reads > 10)
    assert painted == 0


@pytest.mark.parametrize("size", SIZES)
async def test_in_ascii_and_without_colour_shapes_and_words_say_everything(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TUI_FT_ASCII", "1")
    async with at_method(half_a_gpu(1), size=size) as at:
        await at.sees("QLoRA r16 is recommended.")
        from tui_ft.tui.terminal import to_ascii

        shown = [to_ascii(line) for line in at.lines]
        bar = next(line for line in shown if "* QLoRA r16" in line)
        assert "%%%%" in bar and "####" in bar and "|" in bar and "fits" in bar
        assert not any("?" in line for line in shown[:-1]), shown


async def test_m_opens_it_from_home_for_the_chosen_preset_or_run(tmp_path: Path) -> None:
    preset = find_preset("qlora-8b-24gb", Path("/nowhere"))
    run = directory.create(tmp_path, "earlier")
    run.spec.write_text(find_preset("lora-3b-24gb", Path("/nowhere")).text)
    rooms = Rooms()
    rooms.presets = [a_preset(1, "demo"), dataclasses.replace(preset, key="2")]
    rooms.runs = [a_run(1, id=run.id, path=str(run.path))]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("m")
        await until(pilot, lambda: shown(pilot.app)[0].startswith(" Qwen/Qwen2.5-3B-Instruct"))
        await until(pilot, lambda: f"LoRA r16, as in {run.id[:7]}" in shown(pilot.app)[0])
        await pilot.press("q", "tab", "down", "m")
        await until(pilot, lambda: "QLoRA r16, as in qlora-8b-24gb" in shown(pilot.app)[0])
        await pilot.press("q")
        run.spec.write_text("[method]\nkind = 3\n")
        await pilot.press("tab", "m")
        await until(pilot, lambda: "✗" in "".join(shown(pilot.app)[-6:]))
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_what_this_version_cannot_start_is_said_once_with_the_next_best() -> None:
    async with at_method(half_a_gpu(1), "qlora-8b-24gb", (80, 24), "objective.kind=dpo") as at:
        await at.sees("★ QLoRA r16 is recommended.", "Next best: QLoRA. SFT")
        assert at.text.count("This version cannot start it: the objective dpo is not built in yet.") == 1
        assert at.row("QLoRA r16").startswith("▸★") and at.row("LoRA r16").startswith(" –")


async def test_where_nothing_fits_the_nearest_is_named_and_what_would_hold_it() -> None:
    async with at_method(half_a_gpu(1), "qlora-8b-24gb", (120, 40), "model.id=Qwen/Qwen3-32B") as at:
        await at.sees("★ QLoRA r16 comes nearest. Nothing surely fits", "To make it fit", "✓ fits")
        await at.sees("smaller model: Qwen/", "a GPU like ")


async def test_every_number_is_the_one_that_the_command_and_the_start_say() -> None:
    async with at_method(half_a_gpu(1), size=(120, 40)) as at:
        await at.sees("★ QLoRA r16 is recommended.", "– IA3")
        view = at.screen._view
        assert view is not None
        reading = at.actions.read_gpus()
        for row in view.rows:
            said = assess(row.spec, view.shape, reading, with_step_downs=False)
            assert (said.estimate, said.verdict) == (row.estimate, row.verdict), row.label
            needed, _ = memory(row.spec, reading)
            assert needed.split()[0] == at.row(row.label).split("%")[1].split()[0], row.label


@pytest.mark.parametrize("size", [(60, 15), (40, 10), (200, 60)])
async def test_it_can_be_used_in_a_terminal_of_any_size(size: tuple[int, int]) -> None:
    async with at_method(eight_gpus(), size=size) as at:
        await at.press("e", "down", "e", "up", "right")
        await at.sees("LoRA r16")
        assert len(at.lines) == size[1]
        assert all(len(line) <= size[0] for line in at.lines)
