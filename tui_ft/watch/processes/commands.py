"""What a command line says: a launcher, a training script, one of ours, or none of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Role = Literal["launcher", "trainer", "worker", "attached", "ours", "notebook", "helper", "other", "unknown"]
"""`notebook`: runs whatever its cells say; `helper`: a script for what comes before or after a training, by
its name; `worker`: serves its parent; `attached`: serves the process `attached_to`; `other`: surely no
training of its own; `unknown`: a program that only its files and libraries can tell."""

_PYTHON = re.compile(r"(python|pypy)[\d.]*t?|pt_main_thread")
_LAUNCHERS = {"torchrun": None, "deepspeed": None, "horovodrun": None, "mpirun": None, "mpiexec": None,
              "accelerate": ("launch", "accelerate-launch"), "accelerate-launch": None,
              "colossalai": ("run",), "torch.distributed.run": None, "torch.distributed.launch": None,
              "accelerate.commands.launch": None, "deepspeed.launcher.runner": None,
              "deepspeed.launcher.launch": None}  # fmt: skip
_TRAINERS = {"llamafactory-cli": ("train",), "lmf": ("train",), "axolotl": ("train",),
             "axolotl.cli.train": None, "tune": ("run",), "swift": ("sft", "pt", "rlhf"), "megatron": None,
             "trl": ("sft", "dpo", "grpo", "kto", "reward", "rloo", "orpo", "bco", "cpo"),
             "llamafactory.cli": ("train",),
             "litgpt": ("finetune", "finetune_lora", "finetune_full", "pretrain"),
             "xtuner": ("train",), "mlx_lm.lora": None, "autotrain": ("llm",),
             "fairseq-train": None}  # fmt: skip
_OTHERS = re.compile(
    r"(jupyter.*|tensorboard|tensorboard\.main|vllm.*|sglang.*|text-generation.*|ollama|uvicorn"
    r"|gunicorn|streamlit|gradio|mlflow|wandb|trackio|ray|celery|pytest|py\.test|pip|uv|conda|mypy|ruff|black"
    r"|tui-ft|tui_ft(\.(?!train|runs\.supervisor).*)?|pylint|pyright|nvitop|gpustat|http\.server|lm_eval|huggingface-cli|hf)"
)
_LOGGERS = ("wandb-core", "wandb-symon", "wandb-service", "wandb-internal", "gpu_stats")
_NOTEBOOKS = ("ipykernel_launcher", "ipykernel", "colab_kernel_launcher", "ipykernel_launcher.py")
_WORKER_WORDS = ("multiprocessing.spawn", "multiprocessing.forkserver", "multiprocessing.resource_tracker",
                 "torch/_inductor/compile_worker", "torch._inductor.compile_worker",
                 "joblib.externals.loky")  # fmt: skip
_TRAINING_SCRIPT = re.compile(
    r"(^|[_\-.])(re|pre)?(train(er|ing)?|fine_?tun(e|ing)|finetun(e|ing)|sft|dpo|orpo|kto|grpo|ppo|rlhf|q?lora)"
    r"([_\-.\d]|$)",
    re.IGNORECASE,
)
_NO_TRAINING_SCRIPT = re.compile(
    r"(^|[_\-.])(eval\w*|merge\w*|prepare\w*|preprocess\w*|download\w*|convert\w*|serve\w*|gui|web_?ui|infer\w*"
    r"|generat(e|ion)|tests?|plot\w*|export\w*|quanti[sz]e\w*|chat\w*|api|tokeni[sz]e|split|upload\w*|benchmark\w*"
    r"|analy[sz]e|predict\w*|demo)([_\-.\d]|$)",
    re.IGNORECASE,
)
_TRAINING_OPTIONS = frozenset(
    {
        "per_device_train_batch_size",
        "num_train_epochs",
        "gradient_accumulation_steps",
        "do_train",
        "train_file",
    }
)
"""Options that transformers' arguments made usual, and that nothing but a training has."""
_TRAINING_PROGRAM = re.compile(r"train|fine.?tun|sft|lora", re.IGNORECASE)
_VALUED = frozenset({"-m", "-W", "-X", "-c", "--check-hash-based-pycs"})


@dataclass(frozen=True, kw_only=True)
class Command:
    """What one command line says. `script` is the file or module that runs, "" when none is known.

    `options` are its long options and `key=value` words, by their name with underscores; the last one
    given wins. `run_path` is the run directory of a process of ours, `attached_to` the pid that a helper
    names as its own. `launches`: it may start the processes that train, as launchers do.
    """

    role: Role
    script: str = ""
    options: dict[str, str]
    words: tuple[str, ...] = ()
    run_path: Path | None = None
    attached_to: int | None = None
    is_python: bool = False
    launches: bool = False


def judge(arguments: Sequence[str], name: str = "") -> Command:
    """Return what a command line says; `name` is what the kernel calls the process."""
    if len(arguments) == 1 and " " in arguments[0].strip():
        arguments = arguments[0].split()  # a title that a process gave itself
    if not arguments:
        return Command(role="unknown", options={})
    program = _base(arguments[0])
    if program.startswith(_LOGGERS):
        return _attached(arguments[1:])
    is_python = bool(_PYTHON.fullmatch(program) or _PYTHON.fullmatch(name))
    joined = " ".join(arguments[1:4])
    if is_python and any(word in joined for word in _WORKER_WORDS):
        return Command(role="worker", options={}, is_python=True)
    script, rest = _script(arguments) if is_python else (program, list(arguments[1:]))
    if _base(script) == "wandb" and rest[:1] == ["service"]:
        return _attached(rest)  # as W&B did it before wandb-core
    role, run_path = _role(script, rest, is_python)
    words = tuple(word for word in rest if not word.startswith("-") and "=" not in word)
    return Command(
        role=role,
        script=script,
        options=_options(rest),
        words=words,
        run_path=run_path,
        is_python=is_python,
        launches=role == "launcher" or (role == "trainer" and _base(script) in _TRAINERS),
    )


def _attached(rest: Sequence[str]) -> Command:
    options = _options(rest)
    pid = options.get("pid") or options.get("parent_pid") or ""
    is_pid = pid.isascii() and pid.isdecimal() and len(pid) < 10
    return Command(role="attached", options={}, attached_to=int(pid) if is_pid else None)


def may_train(command: Command) -> bool:
    """True for a program that is no Python and whose name says that it trains, such as llm.c's."""
    return command.role == "unknown" and _TRAINING_PROGRAM.search(_base(command.script)) is not None


def _base(path: str) -> str:
    return path.rpartition("/")[2].lstrip("-")


def _script(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The script or module that an interpreter runs, and what follows it."""
    at = 1
    while at < len(arguments):
        argument = arguments[at]
        if argument == "-m" and at + 1 < len(arguments):
            return arguments[at + 1], list(arguments[at + 2 :])
        if argument == "-c":
            return "", list(arguments[at + 2 :])
        if not argument.startswith("-"):
            return argument, list(arguments[at + 1 :])
        at += 2 if argument in _VALUED else 1
    return "", []


def _role(script: str, rest: Sequence[str], is_python: bool) -> tuple[Role, Path | None]:
    name = _base(script)
    first = next((word for word in rest if not word.startswith("-")), "")
    if name in ("tui_ft.train", "tui_ft.runs.supervisor"):
        return "ours", _our_run(name, rest)
    if name in _LAUNCHERS and _matches(_LAUNCHERS[name], first):
        inner = _run_of_ours(rest)
        return ("ours", inner) if inner is not None else ("launcher", None)
    if name in _TRAINERS and _matches(_TRAINERS[name], first):
        return "trainer", None
    if name in _NOTEBOOKS:
        return "notebook", None
    if _OTHERS.fullmatch(name) or "/site-packages/pytest" in script:
        return "other", None
    stem = name.removesuffix(".py").rpartition(".")[2]
    if is_python and _NO_TRAINING_SCRIPT.search(stem):
        return "helper", None
    is_told = is_python and (_TRAINING_SCRIPT.search(stem) or _has_training_options(rest))
    return ("trainer" if is_told else "unknown"), None


def _has_training_options(rest: Sequence[str]) -> bool:
    return any(word.partition("=")[0].lstrip("-").replace("-", "_") in _TRAINING_OPTIONS for word in rest)


def _matches(wanted: tuple[str, ...] | None, first: str) -> bool:
    return wanted is None or first in wanted


def _our_run(name: str, rest: Sequence[str]) -> Path | None:
    words = [word for word in rest if not word.startswith("-")]
    if name == "tui_ft.train":
        words = words[1:] if words and words[0] == "run" else []
    return Path(words[0]) if words and words[0].startswith("/") else None


def _run_of_ours(rest: Sequence[str]) -> Path | None:
    """The run directory of a launcher that starts our trainer."""
    if "tui_ft.train" not in rest:
        return None
    return _our_run("tui_ft.train", rest[list(rest).index("tui_ft.train") + 1 :])


def _options(rest: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for at, word in enumerate(rest):
        name, equals, value = word.partition("=")
        plain = name.lstrip("-").replace("-", "_")
        if equals and plain:
            found[plain] = value
        elif word.startswith("--") and at + 1 < len(rest) and not rest[at + 1].startswith("--"):
            found[plain] = rest[at + 1]
    return found
