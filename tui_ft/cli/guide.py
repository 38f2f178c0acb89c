"""`tui-ft guide`: whether to fine-tune, by which method, with which settings, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.estimate import pretended_bytes as pretended_bytes
from tui_ft.cli.printing import print_json
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.guide.question import Question
    from tui_ft.spec.run_spec import RunSpec

LARGEST_ROWS = 10**12
LARGEST_GPUS = 1024


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "guide",
        parents=[common],
        help="advise whether and how to fine-tune, and why",
        description="Advise whether and how to fine-tune a model, and say why, in its own numbers.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_goals(),
    )
    parser.add_argument("--model", metavar="NAME|DIR|config.json", help="the model to fine-tune")
    parser.add_argument("--rows", metavar="N", help="how many examples there are")
    parser.add_argument("--goal", metavar="WORD[,WORD…]", help="what is wanted (see below); alone: sft")
    parser.add_argument("--spec", metavar="PRESET|FILE.toml", help="start from its settings")
    parser.add_argument("--gpu-memory", metavar="GIB", help="pretend that so much is free on each GPU")
    parser.add_argument("--gpus", metavar="N", help="how many GPUs may take part")
    parser.add_argument("--capability", metavar="X.Y", help="pretend this compute capability: 7.5 is a T4")
    parser.add_argument("--rules", action="store_true", help="print every rule, and what other guides say")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=guide)


def guide(arguments: argparse.Namespace) -> int:
    """Print the recommendation. Exit code 0: go; 1: better not, or nothing fits."""
    if arguments.rules:
        return _print_rules(arguments.json)
    from tui_ft.guide.compare import compare_for
    from tui_ft.guide.recommend import recommend

    question = _question(arguments)
    answer = recommend(question)
    rows = compare_for(question, answer)
    if arguments.json:
        from tui_ft.guide.as_json import recommendation_json

        print_json(recommendation_json(question, answer, rows))
    else:
        from tui_ft.cli.guide_text import lines

        print("\n".join(lines(question, answer, rows, spec=arguments.spec)))
    return 1 if answer.gate.verdict == "stop" or answer.verdict == "does_not_fit" else 0


def _question(arguments: argparse.Namespace) -> Question:
    from tui_ft.guide.asking import ask
    from tui_ft.guide.goals import parse_goals
    from tui_ft.hardware.gpu import GpuReading, read_gpus
    from tui_ft.runs.measurements import gather
    from tui_ft.vram import find_model

    rows = _count("--rows", arguments.rows, 0, LARGEST_ROWS)
    gpus = _count("--gpus", arguments.gpus, 1, LARGEST_GPUS)
    memory, capability = pretended_bytes(arguments.gpu_memory), _capability(arguments.capability)
    spec = _spec(arguments)
    goals = parse_goals(spec.objective.kind if arguments.goal is None else arguments.goal)
    shape = find_model.find_shape(spec.model.id or "", revision=spec.model.revision, online=True)
    spec = _within_context(spec, shape.context)
    reading = read_gpus() if memory is None else GpuReading(())
    if reading.gpus:
        gather(settings.runs_root(arguments.runs_root))
    return ask(
        spec,
        shape,
        reading,
        goals=goals,
        rows=rows,
        gpu_memory_bytes=memory,
        gpus=gpus,
        capability=capability,
    )


def _spec(arguments: argparse.Namespace) -> RunSpec:
    """The settings to start from. Raises `TuiFtError` without a model."""
    from tui_ft.spec import overrides, presets
    from tui_ft.spec.run_spec import RunSpec

    if not arguments.model and not arguments.spec:
        raise TuiFtError(
            "No model is named.", "For example: tui-ft guide --model Qwen/Qwen3-8B --rows 5000 --goal sft"
        )
    base = RunSpec()
    if arguments.spec:
        base = presets.find_preset(arguments.spec, settings.user_presets_folder()).spec
    if arguments.model is None:
        return base
    return overrides.apply(base, [f"model.id={arguments.model}", "model.revision="])


def _within_context(spec: RunSpec, context: int | None) -> RunSpec:
    """The default length is cut to what a small model reads; a length that was asked for is not."""
    from tui_ft.spec import overrides
    from tui_ft.spec.run_spec import DataSection

    length = spec.data.max_length
    if context is None or length <= context or length != DataSection().max_length:
        return spec
    return overrides.apply(spec, [f"data.max_length={context}"])


def _count(option: str, text: str | None, least: int, most: int) -> int | None:
    from tui_ft.spec.errors import shown

    if text is None:
        return None
    example = 5000 if option == "--rows" else 8
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15 and least <= int(digits) <= most):
        raise TuiFtError(
            f"{option} {shown(text)} is no count that can be.", f"For example {option} {example}."
        )
    return int(digits)


def _capability(text: str | None) -> tuple[int, int] | None:
    from tui_ft.spec.errors import shown

    if text is None:
        return None
    major, _, minor = text.partition(".")
    if not (text.isascii() and major.isdigit() and (minor or "0").isdigit() and len(text) <= 5):
        raise TuiFtError(f"--capability {shown(text)} is no compute capability.", "For example 7.5 or 9.0.")
    return int(major), int(minor or "0")


def _goals() -> str:
    from tui_ft.guide.goals import AIMS, CIRCUMSTANCES, OBJECTIONS

    text = []
    for title, goals in (
        ("what it is to learn:", AIMS),
        ("what else is known:", CIRCUMSTANCES),
        ("what speaks against it:", OBJECTIONS),
    ):
        text += [title, *(f"  {goal.word:<17} {goal.meaning}" for goal in goals)]
    return "\n".join(text)


def _print_rules(as_json: bool) -> int:
    from tui_ft.guide.rules import RULES
    from tui_ft.guide.scenarios import SCENARIOS

    if as_json:
        rules = [
            {"id": r.id, "decides": r.decides, "if": r.condition, "then": r.outcome, "source": r.source}
            for r in RULES
        ]
        print_json({"schema": 1, "rules": rules, "scenarios": [one._asdict() for one in SCENARIOS]})
    else:
        from tui_ft.cli.guide_text import rule_lines

        print("\n".join(rule_lines(RULES, SCENARIOS)))
    return 0
