"""What command lines and open files say, and what of them is never shown."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_ft.hardware.processes import OpenFile
from tui_ft.watch.processes.commands import judge
from tui_ft.watch.processes.run_files import judge_open_files, output_folders, read_flat_settings
from tui_ft.watch.processes.searching import named_writer
from tui_ft.watch.processes.secrets import mask_arguments

PY = "/venv/bin/python3.11"


@pytest.mark.parametrize(
    ("line", "role"),
    [
        (f"{PY} /venv/bin/torchrun --nproc_per_node 2 x.py", "launcher"),
        (f"{PY} -m torch.distributed.run x.py", "launcher"),
        (f"{PY} /venv/bin/accelerate launch --num_processes 2 x.py", "launcher"),
        (f"{PY} /venv/bin/accelerate config", "unknown"),
        (f"{PY} /venv/bin/deepspeed x.py", "launcher"),
        (f"{PY} -m torch.distributed.run -m tui_ft.train run /r/20260101-a-abcd --attempt 1", "ours"),
        (f"{PY} /venv/bin/llamafactory-cli train x.yaml", "trainer"),
        (f"{PY} /venv/bin/llamafactory-cli chat x.yaml", "unknown"),
        (f"{PY} -m axolotl.cli.train x.yml", "trainer"),
        (f"{PY} /venv/bin/axolotl train x.yml", "trainer"),
        (f"{PY} /venv/bin/tune run lora_finetune_single_device --config c.yaml", "trainer"),
        (f"{PY} /venv/bin/trl sft --model_name_or_path m", "trainer"),
        (f"{PY} -u -X dev finetune_llama.py", "trainer"),
        (f"{PY} run_sft.py", "trainer"),
        (f"{PY} my_script.py", "unknown"),
        (f"{PY} my_script.py --per-device-train-batch-size=4", "trainer"),
        (f"{PY} run.py --do_train", "trainer"),
        (f"{PY} merge_lora.py", "helper"),
        (f"{PY} prepare_train_data.py", "helper"),
        (f"{PY} -m app.inference_server", "helper"),
        (f"{PY} trainer_v2.py", "trainer"),
        (f"{PY} /venv/bin/wandb service --pid 77", "attached"),
        ("wandb-service(2-77-s-1)", "attached"),
        (f"{PY} /venv/bin/wandb login", "other"),
        (f"{PY} constraints.py", "unknown"),
        (f"{PY} -m tui_ft.train run /r/20260101-a-abcd --attempt 1", "ours"),
        (f"{PY} -m tui_ft.runs.supervisor /r/20260101-a-abcd --attempt 1", "ours"),
        (f"{PY} -m tui_ft watch", "other"),
        (f"{PY} /venv/bin/tui-ft", "other"),
        (f"{PY} /venv/bin/tensorboard --logdir runs", "other"),
        (f"{PY} -m ipykernel_launcher -f k.json", "notebook"),
        (f"{PY} -m verl.trainer.main_ppo data.x=y", "trainer"),
        ("/w/train_gpt2cu -i x.bin", "unknown"),
        (f"{PY} /venv/bin/vllm serve m", "other"),
        (f"{PY} -m pytest tests/train", "other"),
        ("/usr/lib/wandb-core --port-filename x --pid 77", "attached"),
        ("bash train.sh", "unknown"),
        ("vim train.py", "unknown"),
    ],
)
def test_the_role_of_a_command(line: str, role: str) -> None:
    assert judge(line.split()).role == role


def test_a_spawned_worker_is_told_by_its_code() -> None:
    code = "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)"
    assert judge([PY, "-c", code, "--multiprocessing-fork"]).role == "worker"
    assert judge(["wandb-core", "--pid", "77"]).attached_to == 77


def test_options_in_every_spelling() -> None:
    command = judge([PY, "t.py", "--output-dir", "a", "--lr=1e-4", "--bf16", "--n", "-1", "seed=3", "x.yaml"])
    assert command.options == {"output_dir": "a", "lr": "1e-4", "n": "-1", "seed": "3"}
    assert "x.yaml" in command.words
    titled = judge([f"{PY} t.py --output_dir b"])
    assert titled.options == {"output_dir": "b"}, "a title that a process gave itself is one word"


def test_no_secret_of_a_command_line_is_shown() -> None:
    line = (
        "t.py --hub_token hf_abcdefghijklmnopqrst --wandb-key=abc WANDB_API_KEY=xyz --api.key sekrit "
        "--password hunter2 https://me:pw@host/x https://hooks.slack.com/services/T/B/x "
        "sk-abcdefghijklmnopqrstuvwx 0123456789abcdef0123456789abcdef01234567 --auth-token=t"
    )
    shown = mask_arguments(line.split())
    text = " ".join(shown)
    for secret in (
        "hf_abc",
        "abc ",
        "xyz",
        "sekrit",
        "hunter2",
        "me:pw",
        "T/B/x",
        "sk-abc",
        "0123456789abcdef",
    ):
        assert secret not in text + " "
    assert text.count("***") == 10


def test_what_is_no_secret_stays() -> None:
    plain = "t.py --tokenizer gpt2 --max_new_tokens 64 --eos_token <s> --key_field text --monkey banana -u"
    assert " ".join(mask_arguments(plain.split())) == plain
    assert mask_arguments(["--token"]) == ["--token"]
    assert mask_arguments(["--token", "--seed", "1"]) == ["--token", "--seed", "1"]


def test_what_open_files_say() -> None:
    files = judge_open_files(
        [
            OpenFile(0, "pipe:[1]", False),
            OpenFile(1, "/w/train.txt", True),
            OpenFile(2, "pipe:[2]", True),
            OpenFile(3, "/w/runs/events.out.tfevents.1.h.2.0", True),
            OpenFile(4, "/w/old/events.out.tfevents.0.h.2.0", False),
            OpenFile(5, "/w/events.out.tfevents.3.h.2.0 (deleted)", True),
            OpenFile(6, "/dev/nvidia3", True),
            OpenFile(7, "/dev/nvidiactl", True),
            OpenFile(8, "/w/wandb/run-1/logs/debug.log", True),
            OpenFile(9, "/root/.cache/wandb/logs/core-debug.log", True),
            OpenFile(10, "/w/out/debug.log", True),
            OpenFile(11, "/w/log_1700000000.txt", True),
            OpenFile(12, "socket:[9]", True),
            OpenFile(13, "/w/model.safetensors", True),
        ]
    )
    assert files.sure == ("/w/runs/events.out.tfevents.1.h.2.0", "/w/log_1700000000.txt")
    assert (files.outputs, files.logs) == (("/w/train.txt",), ("/w/out/debug.log",))
    assert (files.pipes, files.input_pipe) == (("pipe:[2]",), "pipe:[1]")
    assert (files.gpus, files.has_gpu) == ((3,), True)


def test_a_config_that_is_none_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "dir.yaml").mkdir()
    (tmp_path / "bad.json").write_text("[" * 100_000)
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "zeros.yaml").write_bytes(b"\0" * 1000)
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "good.json").write_text('{"output_dir": "o", "lr": 1}')
    for path in tmp_path.iterdir():
        expected = {"output_dir": "o"} if path.name == "good.json" else {}
        assert read_flat_settings(path) == expected
    assert read_flat_settings(Path("/dev/zero")) == {}
    assert read_flat_settings(Path("/proc/self/mem")) == {}


def test_odd_output_folders_are_left_out(tmp_path: Path) -> None:
    options = {"output_dir": "${here}/x", "logging_dir": "~/logs", "save_dir": "/", "out_dir": "a\0b"}
    assert output_folders(options, (), tmp_path, {}) == []
    assert output_folders({"output_dir": "../up"}, (), None, {}) == []
    told = output_folders({"output_dir": "o/"}, (), tmp_path, {"WANDB_DIR": "w"})
    assert told == [tmp_path / "o", tmp_path / "w" / "wandb"]


ANYTHING = st.lists(st.text(max_size=40), max_size=8)


@given(arguments=ANYTHING, name=st.text(max_size=15))
def test_any_command_line_is_judged(arguments: list[str], name: str) -> None:
    command = judge(arguments, name)
    assert output_folders(command.options, command.words, None, {}) == [
        path for path in output_folders(command.options, command.words, None, {}) if path.is_absolute()
    ]


@given(
    before=ANYTHING, after=ANYTHING, option=st.sampled_from(["", "--hub_token=", "x=", "https://u:", "a b "])
)
def test_a_key_is_hidden_wherever_it_stands(before: list[str], after: list[str], option: str) -> None:
    key = "hf_" + "aB3" * 8
    assert key not in "\n".join(mask_arguments([*before, f"{option}{key}", *after]))


@given(
    st.lists(
        st.builds(OpenFile, st.integers(0, 9), st.text(max_size=30) | st.just("pipe:[1]"), st.booleans())
    )
)
def test_any_open_files_are_judged(files: list[OpenFile]) -> None:
    judged = judge_open_files(files)
    assert set(judged.sure) <= {file.target for file in files if file.is_written}


@given(st.binary(max_size=300), st.sampled_from([".yaml", ".json"]))
def test_any_config_is_read_or_left(data: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"config{ending}"
        path.write_bytes(data)
        settings = read_flat_settings(path)
    assert all(isinstance(value, str) for value in settings.values())


@given(st.text(max_size=60) | st.from_regex(r"events\.out\.tfevents\.\d{1,30}\.[^/]{0,9}\.\d{1,30}\.\d"))
def test_any_file_name_may_name_a_writer(name: str) -> None:
    writer = named_writer(name)
    assert writer is None or writer.pid >= 0
