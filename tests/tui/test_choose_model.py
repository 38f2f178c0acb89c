"""The Model step: what fits this GPU first, what lies on this disk, and any model by its name."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path

import pytest
from model_world import a_24gb_gpu, a_model
from wizard_world import SIZES, World, at_step

from tui_ft.demo import paths as demo_paths
from tui_ft.tui import method_facts
from tui_ft.tui.download import Download
from tui_ft.tui.screens import choose_model
from tui_ft.tui.screens.ask_model import AskModel
from tui_ft.tui.screens.choose_model import ChooseModelScreen
from tui_ft.tui.wizard import model_choices
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.model_choices import Choice
from tui_ft.vram import find_model
from tui_ft.vram.find_model import Found
from tui_ft.vram.model_config import UnknownFamilyError

pytestmark = pytest.mark.usefixtures("own_disk")


async def loaded(world: World) -> None:
    await world.until(lambda: world.screen.models.loaded)


@pytest.mark.parametrize("size", SIZES)
async def test_a_newcomer_with_a_gpu_sees_what_fits_and_takes_it_with_one_key(size: tuple[int, int]) -> None:
    async with at_step(ChooseModelScreen, nvml=a_24gb_gpu(), size=size) as world:
        await world.sees("▸★ Qwen3-8B", "✓ fits", "of 23.5 free", "Licence apache-2.0",
                         "of 23.5 free: fits", "downloads about 15.3 GiB")  # fmt: skip
        assert all(len(line) <= size[0] for line in world.lines)
        assert all(key in world.lines[-1] for key in ("Enter Next", "Esc Back", "/ Another model"))
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
    assert world.draft.spec.model.id == world.draft.base.model.id == "Qwen/Qwen3-8B"
    assert world.draft.shape_name == "Qwen3-8B"


async def test_enter_before_the_list_is_there_takes_the_suggested_one() -> None:
    async with at_step(ChooseModelScreen) as world:
        world.screen.action_next()
        await world.until(lambda: world.outcomes == ["next"])
        assert world.draft.spec.model.id == "demo"


async def test_what_does_not_fit_is_taken_at_the_second_key_only() -> None:
    async with at_step(ChooseModelScreen, nvml=a_24gb_gpu()) as world:
        await loaded(world)
        await world.press("end", "enter")
        await world.sees("✗ It does not fit", "Enter again takes it all the same")
        assert not world.outcomes
        await world.press("up", "enter")
        await world.sees("✗ It does not fit")
        assert not world.outcomes
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])


async def test_a_disk_that_is_too_small_is_said_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_ft.hardware.host import Disk

    monkeypatch.setattr(choose_model, "disk", lambda path: Disk(10**9, 10**10, None))
    async with at_step(ChooseModelScreen, nvml=a_24gb_gpu()) as world:
        await loaded(world)
        world.screen.models.choose("Qwen/Qwen3-8B")
        await world.sees("✗ downloads about 15.3 GiB; 0.93 GiB are free")
        await world.press("enter")
        await world.sees("✗ The disk is too small: 15.3 GiB are to be downloaded, 0.93 are free")


async def test_the_draft_that_is_gone_back_to_has_its_model_chosen() -> None:
    draft = Draft()
    draft.set("model.id=Qwen/Qwen2.5-3B", "training.epochs=2", "model.revision=main")
    async with at_step(ChooseModelScreen, draft) as world:
        await world.sees("▸ Qwen2.5-3B")
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
    assert draft.spec.model.revision == "main" and draft.spec.training.epochs == 2


async def test_another_model_keeps_every_other_answer_and_undo_takes_it_back() -> None:
    draft = Draft()
    draft.set("model.id=demo", "training.epochs=2", "data.max_length=8192", "model.revision=main")
    async with at_step(ChooseModelScreen, draft) as world:
        await loaded(world)
        world.screen.models.choose("openai-community/gpt2")
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
    spec = draft.spec
    assert (spec.model.id, spec.model.revision) == ("openai-community/gpt2", None)
    assert (spec.training.epochs, spec.data.max_length) == (2, 1024), "cut to what GPT-2 reads"
    draft.undo()
    assert (draft.spec.model.id, draft.spec.data.max_length) == ("demo", 8192)


async def test_any_folder_can_be_typed_and_is_kept_on_the_list(own_disk: Path, tmp_path: Path) -> None:
    folder = a_model(tmp_path / "far" / "away")
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type(str(folder))
        await world.press("enter")
        await world.sees("▸ away", "typed", "has a chat template")
        await world.press("r")
        await world.sees("▸ away")
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
        assert world.draft.spec.model.id == str(folder)
    async with at_step(ChooseModelScreen, world.draft) as world:
        await world.sees("▸ away")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no/such", "✗ no/such is not in the cache"),
        ("/no/where", "✗ There is no /no/where"),
        ("two words", "✗ "),
    ],
)
async def test_what_cannot_be_had_is_a_sentence_and_the_name_is_kept_to_mend(name: str, told: str) -> None:
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        before = list(world.screen.models.rows)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type(name)
        await world.press("enter")
        await world.sees(told)
        assert list(world.screen.models.rows) == before
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        assert world.screen.query_one("#model").value == name


async def test_a_gated_model_says_how_to_get_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_ft.errors import TuiFtError

    async def gated(name: str, revision: str | None) -> None:
        raise TuiFtError(f"{name} is gated.", "Accept its licence on https://huggingface.co/org/gated.")

    monkeypatch.setattr(method_facts, "find", gated)
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type("org/gated")
        await world.press("enter")
        await world.sees("✗ org/gated is gated. Accept its licence on https://huggingface.co/org/gated.")


async def test_a_config_alone_and_an_adapter_cannot_be_trained(own_disk: Path) -> None:
    shutil.copy(demo_paths.model_folder() / "config.json", own_disk / "config.json")
    adapter = own_disk / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        for name, told in (("config.json", "A config.json has no weights"), ("adapter", "of org/base")):
            await world.press("slash")
            await world.until(lambda: isinstance(world.screen, AskModel))
            world.screen.query_one("#model").value = str(own_disk / name)
            await world.press("enter")
            await world.sees(told)


async def test_a_broken_folder_is_on_the_list_and_refused_with_the_reason(own_disk: Path) -> None:
    folder = a_model(own_disk / "broken")
    (folder / "tokenizer.json").unlink()
    async with at_step(ChooseModelScreen) as world:
        await world.sees("demo (tiny, built in)")
        world.screen.models.choose(str(folder))
        await world.sees("✗ cannot be fine-tuned", "has no tokenizer")
        await world.press("enter")
        await world.sees("Copy the tokenizer's files")
        assert not world.outcomes


@pytest.fixture
def no_folder(own_disk: Path) -> None:
    own_disk.rmdir()


@pytest.mark.usefixtures("no_folder")
async def test_a_working_folder_that_was_removed_is_no_reason_to_fail() -> None:
    async with at_step(ChooseModelScreen) as world:
        await world.sees("▸★ demo")
        assert "✗" not in world.text


async def test_gpus_that_cannot_be_read_are_told_and_can_be_tried_again() -> None:
    def failing() -> None:
        raise OSError(5, "Input/output error")

    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        real, world.actions.read_gpus = world.actions.read_gpus, failing  # type: ignore[assignment]
        await world.press("r")
        await world.sees("✗ The models cannot be listed: Input/output error")
        world.actions.read_gpus = real
        await world.press("r")
        await world.until(lambda: "cannot be listed" not in world.text)


async def test_a_slow_disk_does_not_hold_up_the_catalogue(
    own_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_model(own_disk / "mine")
    go_on = threading.Event()
    real = model_choices.on_disk

    def slow(runs_root: Path) -> list[Choice]:
        assert go_on.wait(20)
        return real(runs_root)

    monkeypatch.setattr(model_choices, "on_disk", slow)
    monkeypatch.setattr(choose_model, "DISK_WITHIN_S", 0.01)
    async with at_step(ChooseModelScreen) as world:
        await world.sees("▸★ demo", "Still looking for models on this disk")
        assert "mine" not in world.text
        go_on.set()
        await world.sees("mine", "▸★ demo")
        assert "Still looking" not in world.text


async def test_a_model_that_nothing_is_known_of_yet_is_kept_and_not_in_the_way() -> None:
    draft = Draft()
    draft.set("model.id=org/from-a-preset", "model.revision=v2")
    async with at_step(ChooseModelScreen, draft) as world:
        await world.sees(
            "▸ from-a-preset", "– not known", "chosen", "✗ org/from-a-preset is not in the cache"
        )
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
    assert (draft.spec.model.id, draft.spec.model.revision) == ("org/from-a-preset", "v2")
    assert not draft.can_undo or draft.undo()


async def test_no_byte_of_a_model_card_or_name_reaches_the_terminal_as_a_command(own_disk: Path) -> None:
    folder = a_model(own_disk / "evil\x1b[31mname")
    (folder / "README.md").write_text("license: \x1b[2Jgone\n")
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        world.screen.models.choose(str(folder))
        await world.sees("evil[31mname", "Licence [2Jgone")
        assert "\x1b" not in world.text


async def test_of_a_model_on_the_hub_the_config_is_fetched_and_size_and_licence_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fetched"
    folder.mkdir()
    shutil.copy(demo_paths.model_folder() / "config.json", folder)
    asked = []

    async def fetched(name: str, revision: str | None) -> Found:
        asked.append(name)
        return find_model.find(str(folder))

    monkeypatch.setattr(method_facts, "find", fetched)
    said = Download(needed_bytes=7 * 2**30, licence="cc-by-4.0")
    monkeypatch.setattr(choose_model, "measure", lambda name, revision: said)
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type("org/new-model")
        await world.press("enter")
        await world.sees("▸ new-model", "Licence cc-by-4.0", "chat template: not known before the download",
                         "downloads about 7.0 GiB")  # fmt: skip
        assert asked == ["org/new-model"]
        said = Download(needed_bytes=None, problem="org/pickled has no safetensors weights.", is_fatal=True)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type("org/pickled")
        await world.press("enter")
        await world.sees("✗ org/pickled has no safetensors weights.")


@pytest.mark.parametrize("way", ["enter", "escape", "exit"])
async def test_an_answer_of_the_hub_that_comes_too_late_has_nowhere_to_go(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, is_over = asyncio.Event(), asyncio.Event()

    async def slow(name: str, revision: str | None) -> Found:
        asked.set()
        try:
            await asyncio.sleep(20)
            raise AssertionError("nobody ended it")
        finally:
            is_over.set()

    monkeypatch.setattr(method_facts, "find", slow)
    draft = Draft()
    draft.set("model.id=org/unknown")
    async with at_step(ChooseModelScreen, draft) as world:
        await world.until(asked.is_set)
        if way == "exit":
            world.pilot.app.exit()
        else:
            await world.press(way)
            await world.until(lambda: world.outcomes)
            await world.until(is_over.is_set)
    assert is_over.is_set()


async def test_a_name_that_is_on_the_list_takes_the_cursor_there() -> None:
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        rows = list(world.screen.models.rows)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type("qwen3-8b")
        await world.press("enter")
        await world.sees("▸ Qwen3-8B", "Qwen/Qwen3-8B · 8.2B parameters")
        assert list(world.screen.models.rows) == rows


async def test_an_architecture_that_is_not_known_says_how_it_can_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unknown(name: str, revision: str | None) -> None:
        raise UnknownFamilyError(name, "brand-new")

    monkeypatch.setattr(method_facts, "find", unknown)
    async with at_step(ChooseModelScreen) as world:
        await loaded(world)
        await world.press("slash")
        await world.until(lambda: isinstance(world.screen, AskModel))
        await world.type("org/brand-new")
        await world.press("enter")
        await world.sees("(brand-new) is not known to tui-ft", "`hf download org/brand-new`")
