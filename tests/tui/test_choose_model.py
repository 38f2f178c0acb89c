"""The Model step: what fits this GPU first, what lies on this disk, and any model by its name."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path

import pytest
from hardware.fake_nvml import FakeNvml
from method_world import device, no_gpu
from wizard_world import SIZES, World, at_step

from tui_ft.demo import paths as demo_paths
from tui_ft.hardware.gpu import GpuReader
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui import method_facts
from tui_ft.tui.download import Download
from tui_ft.tui.screens import choose_model
from tui_ft.tui.screens.ask_model import AskModel
from tui_ft.tui.screens.choose_model import ChooseModelScreen
from tui_ft.tui.wizard import model_choices, model_places
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.model_choices import Choice, Wish
from tui_ft.tui.wizard.model_words import size_text
from tui_ft.vram import find_model
from tui_ft.vram.find_model import Found


def a_24gb_gpu() -> FakeNvml:
    return FakeNvml(device(0, "GeForce RTX 4090", 24, 23.5))


@pytest.fixture(autouse=True)
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, an empty cache, and no network."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(model_places, "ELSEWHERE", ())
    return here


def a_model(folder: Path) -> Path:
    """A whole model of a folder's own: the built-in one, copied."""
    shutil.copytree(demo_paths.model_folder(), folder)
    return folder


def a_wish(nvml: FakeNvml) -> Wish:
    reading = GpuReader(nvml).read()
    return Wish(spec=RunSpec(), goals=frozenset({"sft"}), rows=None, reading=reading)


def gathered(nvml: FakeNvml, runs_root: Path = Path("/runs")) -> list[Choice]:
    return model_choices.measured_all(model_choices.on_disk(runs_root), a_wish(nvml))


async def loaded(world: World) -> None:
    await world.until(lambda: world.screen.models.loaded)


# --- the list ------------------------------------------------------------------------------------------


def test_what_fits_stands_first_and_what_does_not_last() -> None:
    verdicts = [choice.fit.verdict for choice in gathered(a_24gb_gpu()) if choice.fit is not None]
    order = ["fits", "tight", "unknown", "does_not_fit"]
    assert verdicts == sorted(verdicts, key=order.index)
    assert verdicts[0] == "fits" and verdicts[-1] == "does_not_fit"


def test_a_good_one_to_begin_with_fits_is_open_and_fits_on_the_disk() -> None:
    choices = gathered(a_24gb_gpu())
    by_id = {choice.id: choice for choice in choices}
    best = by_id[model_choices.suggested(choices, 10**12)]
    assert best.id == "Qwen/Qwen3-8B" and best.licence == "apache-2.0"
    assert best.fit is not None and best.fit.verdict == "fits"
    small = by_id[model_choices.suggested(choices, 5 * 10**9)]
    assert (small.bytes or 0) <= 0.9 * 5 * 10**9 and small.parameters < best.parameters
    assert model_choices.suggested(choices, 0) == "demo"


def test_without_a_gpu_the_tiny_one_is_suggested_and_no_verdict_is_made_up() -> None:
    choices = gathered(no_gpu())
    assert model_choices.suggested(choices, 10**12) == "demo"
    assert {choice.fit.verdict for choice in choices if choice.fit} == {"unknown"}


def test_models_nearby_in_the_cache_and_of_runs_are_found(own_disk: Path, tmp_path: Path) -> None:
    a_model(own_disk / "mine")
    a_model(own_disk / "models" / "deeper")
    a_model(tmp_path / "runs" / "20261121-full-abcd" / "result")
    a_model(tmp_path / "hub" / "models--org--cached" / "snapshots" / "0123")
    reference = tmp_path / "hub" / "models--org--cached" / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text("0123")
    config_only = tmp_path / "hub" / "models--org--known" / "snapshots" / "4567"
    config_only.mkdir(parents=True)
    shutil.copy(demo_paths.model_folder() / "config.json", config_only)
    adapter = tmp_path / "runs" / "20261121-lora-efgh" / "result"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    found = {choice.name: choice for choice in gathered(no_gpu(), tmp_path / "runs")}
    assert found["mine"].where == "folder" and found["mine"].id == str(own_disk / "mine")
    assert found["deeper"].where == "folder"
    assert found["20261121-full-abcd"].where == "your run"
    assert found["cached"].where == "cache" and found["cached"].id == "org/cached"
    assert found["known"].where == "download" and not found["known"].is_here
    assert found["cached"].has_template is True and found["known"].has_template is not True
    assert "20261121-lora-efgh" not in found


def test_a_model_that_is_here_in_parts_says_what_is_missing(own_disk: Path) -> None:
    broken = a_model(own_disk / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    choice = {choice.name: choice for choice in gathered(no_gpu())}["broken"]
    assert "cut off" in choice.problem and choice.fit is None


@pytest.mark.parametrize("config", ["{", '{"model_type": 7}', "[]", ""])
def test_a_folder_whose_config_is_nonsense_does_not_spoil_the_list(own_disk: Path, config: str) -> None:
    (a_model(own_disk / "odd") / "config.json").write_text(config)
    choices = {choice.name: choice for choice in gathered(no_gpu())}
    assert choices["odd"].problem and len(choices) > 40


def test_a_folder_with_thousands_of_folders_is_looked_at_in_time(own_disk: Path) -> None:
    for number in range(2 * model_places.MOST_SCANNED):
        (own_disk / f"{number:05}").mkdir()
    assert model_places.nearby(Path("/runs")) == []


def test_a_download_that_was_cut_off_is_one_to_go_on_with(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--half"
    folder = a_model(repository / "snapshots" / "0123")
    (folder / "model.safetensors").unlink()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    choice = {choice.name: choice for choice in gathered(no_gpu())}["half"]
    assert not choice.problem and not choice.is_here and choice.where == "download"


def test_of_several_versions_in_the_cache_the_one_that_is_loaded_counts(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--two"
    a_model(repository / "snapshots" / "0123")
    newer = repository / "snapshots" / "4567"
    newer.mkdir()
    (newer / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    choice = {choice.name: choice for choice in gathered(no_gpu())}["two"]
    assert choice.where == "cache" and choice.folder == repository / "snapshots" / "0123"


def test_the_licence_is_read_from_the_model_card_and_nothing_else(own_disk: Path) -> None:
    (a_model(own_disk / "mine") / "README.md").write_text("---\nlicense: apache-2.0\n---\n# \x1b[31mred")
    choice = {choice.name: choice for choice in gathered(no_gpu())}["mine"]
    assert choice.licence == "apache-2.0"


def test_sizes_read_as_people_say_them() -> None:
    sizes = [0, 999, 647_936, 134_515_008, 999_885_952, 8_190_735_360, 72_706_203_648]
    assert [size_text(size) for size in sizes] == ["–", "999", "648k", "135M", "1.0B", "8.2B", "73B"]


# --- the screen ----------------------------------------------------------------------------------------


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


async def test_a_working_folder_that_was_removed_is_no_reason_to_fail(own_disk: Path) -> None:
    own_disk.rmdir()
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
