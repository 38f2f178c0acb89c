"""What the teaching guides advise for a situation, what this guide answers, and where it corrects them."""

from __future__ import annotations

from typing import NamedTuple


class Scenario(NamedTuple):
    """One row of a source's decision table. `answer` is ours; `rules` are those that give it, any of them.

    `correction` says why ours differs, empty where it does not.
    """

    id: str
    source: str
    situation: str
    advice: str
    answer: str
    rules: tuple[str, ...]
    correction: str = ""


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "prompt", "student notes", "quick iteration, general tasks", "prompt engineering", "a prompt", ("G2",)
    ),
    Scenario(
        "rag", "student notes", "much knowledge, current information", "retrieval", "retrieval", ("G1",)
    ),
    Scenario(
        "behaviour", "student notes", "style, format, specialised behaviour", "fine-tuning", "SFT", ("G6",)
    ),
    Scenario(
        "language",
        "student notes",
        "a new domain or language",
        "pre-training",
        "continued pre-training: full, else an adapter of high rank",
        ("R4", "G7"),
    ),
    Scenario("too-few", "student notes", "fewer than 100 examples", "few-shot", "stop", ("G3",)),
    Scenario("few", "student notes", "100 to 1,000 examples", "fine-tune with care", "a guard", ("G4",)),
    Scenario(
        "diverse", "student notes", "very diverse requirements", "do not fine-tune", "a warning", ("G5",)
    ),
    Scenario("pairs", "student notes", "preference pairs, after SFT", "DPO", "DPO + LoRA", ("R1",)),
    Scenario("thumbs", "axolotl's choice of a method", "thumbs up and down", "KTO", "KTO + LoRA", ("R1",)),
    Scenario(
        "reward", "axolotl's choice of a method", "a computable reward", "GRPO, RLOO", "GRPO + LoRA", ("R2",)
    ),
    Scenario(
        "much-data",
        "comprehensive guide",
        "100,000 examples and more",
        "full fine-tuning",
        "full where it fits",
        ("R4",),
        "Only where it fits: the rows alone do not make room for 16 bytes a weight.",
    ),
    Scenario(
        "limited",
        "comprehensive guide",
        "limited compute",
        "LoRA or QLoRA",
        "LoRA if it fits, else QLoRA",
        ("R5", "R6", "R7"),
    ),
    Scenario(
        "large-model",
        "comprehensive guide",
        "a model of 65B and more",
        "QLoRA",
        "QLoRA where LoRA does not fit",
        ("R7", "R8"),
        "The free memory decides, not the size: LoRA in 16 bit where it fits.",
    ),
    Scenario(
        "several-tasks",
        "comprehensive guide",
        "several tasks",
        "adapter layers",
        "one named LoRA adapter for each",
        ("R10",),
        "Named LoRA adapters are added and removed alike, and can be merged.",
    ),
    Scenario(
        "interpretability",
        "comprehensive guide",
        "interpretability",
        "prompt tuning",
        "no method helps",
        ("C2",),
        "Soft prompts are vectors that nobody can read.",
    ),
    Scenario("latency", "comprehensive guide", "low latency", "distillation", "distillation", ("R3",)),
    Scenario(
        "continual", "comprehensive guide", "continual learning", "replay + LoRA", "LoRA + replay", ("R12",)
    ),
    Scenario(
        "complex",
        "report",
        "a complex task",
        "full fine-tuning",
        "a higher rank; full with very much data",
        ("C1",),
        "LoRA on all linear layers reaches full fine-tuning until the data exceed its capacity.",
    ),
    Scenario(
        "simple",
        "report",
        "a simple task",
        "prompt tuning",
        "prompt tuning as a trial on few rows",
        ("R11",),
        "Beyond a trial LoRA is as quick and learns more.",
    ),
    Scenario(
        "scarce", "report", "scarce resources", "an adapter method", "LoRA or QLoRA", ("R5", "R6", "R7")
    ),
    Scenario(
        "constrained",
        "report",
        "deployment under constraints",
        "quantisation-aware training",
        "QAT where full fits; else quantise afterwards",
        ("R14",),
        "Quantising a finished model is another thing; measure it first, often it is enough.",
    ),
)
