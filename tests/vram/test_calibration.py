"""What was measured corrects what is predicted, and nothing in the store can break an estimate."""

from __future__ import annotations

from pathlib import Path

import pytest
from vram_cases import GIB, estimate_of, gpu, reading, shape_of, spec_of

from tui_ft.vram import calibration, stack
from tui_ft.vram.assess import assess
from tui_ft.vram.calibration import Measured

L4 = "NVIDIA L4"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return calibration.store()


def row(run: str = "a/1", **changes: object) -> Measured:
    values: dict[str, object] = {
        "run": run,
        "gpu": L4,
        "driver": "570.1",
        "torch": "2.13.0",
        "stack": "transformers 5.23.0",
        "method": "lora",
        "predicted_allocated_bytes": 10 * GIB,
        "allocated_bytes": 10 * GIB,
        "reserved_bytes": 11 * GIB,
        "context_bytes": GIB // 2,
    }
    return Measured(**(values | changes))  # type: ignore[arg-type]


def test_rows_come_back_once_each() -> None:
    assert calibration.read() == []
    assert calibration.add([row("a/1"), row("b/1")]) == 2
    assert calibration.add([row("b/1"), row("c/1"), row("c/1")]) == 1
    assert [one.run for one in calibration.read()] == ["a/1", "b/1", "c/1"]
    assert calibration.store().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "rubbish", [b"{", b"[]\n", b'{"run": 3}\n', b"\xff\x00\n", b'{"run":"x","gpu":"y"}\n']
)
def test_bad_lines_are_left_out_and_a_torn_one_is_closed(store: Path, rubbish: bytes) -> None:
    calibration.add([row("a/1")])
    with store.open("ab") as file:
        file.write(rubbish)
    calibration.add([row("b/1")])
    assert [one.run for one in calibration.read()] == ["a/1", "b/1"]


NOW = {"torch": "2.13.0", "transformers": "5.23.0"}


def test_the_same_stack_speaks_first_and_others_say_so() -> None:
    calibration.add([row("a/1"), row("b/1", driver="535.0"), row("c/1", gpu="NVIDIA H100")])
    calibration.add([row("d/1", torch="2.6.0"), row("e/1", stack="transformers 4.0")])
    exact = calibration.find(L4, "570.1", lambda: NOW)
    assert exact is not None
    assert (exact.is_exact, [one.run for one in exact.rows]) == (True, ["a/1"])
    unknown = calibration.find(L4, "570.1", dict)
    assert unknown is not None
    assert [one.run for one in unknown.rows] == ["a/1", "d/1", "e/1"]
    other = calibration.find(L4, "600.0", lambda: NOW)
    assert other is not None
    assert (other.is_exact, len(other.rows)) == (False, 4)
    assert calibration.find("NVIDIA T4", "570.1") is None


def test_versions_are_read_without_an_import_and_from_another_interpreter_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "venv/lib/python3.12/site-packages/torch-9.9.dist-info"
    packages.mkdir(parents=True)
    (packages / "METADATA").write_text("Name: torch\nVersion: 9.9\n")
    monkeypatch.setattr(stack.settings, "trainer_python", lambda: str(tmp_path / "venv/bin/python"))
    assert stack.versions() == {"torch": "9.9"}
    assert stack.stack_text(NOW) == "transformers 5.23.0"
    assert stack.stack_text({}) is None


def test_context_and_reserved_memory_are_replaced_by_what_was_measured() -> None:
    known = calibration.Calibration((row(), row("b/1", context_bytes=None)), True)
    before = estimate_of(10, context=0.25)
    after = calibration.correct(before, known, "lora")
    assert after.context_bytes == GIB // 2
    assert after.needed_bytes - before.needed_bytes == GIB // 4
    assert after.allocated_bytes == before.allocated_bytes
    assert after.nvidia_smi_bytes == round(before.allocated_bytes * 1.1) + GIB // 2
    assert after.low_bytes <= after.needed_bytes <= after.high_bytes
    assert "2 measured runs" in after.notes[-1]


def test_a_run_that_took_more_than_was_said_widens_the_interval() -> None:
    bad = row(allocated_bytes=12 * GIB, reserved_bytes=12 * GIB)
    after = calibration.correct(estimate_of(10), calibration.Calibration((bad,), True), "lora")
    assert after.high_bytes >= 12 * GIB
    assert "1 measured run " in after.notes[-1]


def test_an_assessment_says_how_many_runs_it_rests_on() -> None:
    shape = shape_of("Qwen3-8B")
    before = assess(spec_of(), shape, reading(gpu())).estimate
    calibration.add([row(context_bytes=GIB)])
    after = assess(spec_of(), shape, reading(gpu())).estimate
    assert after.context_bytes == GIB != before.context_bytes
    assert "1 measured run on such a GPU" in " ".join(after.notes)
    other = assess(spec_of(), shape, reading(gpu(name="NVIDIA H100"))).estimate
    assert other == before
