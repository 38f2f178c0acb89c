"""Cards of what is put beside a method: variants of LoRA, keeping skills, quantisation, several tasks."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.guide.card import Card

TECHNIQUE_CARDS: Mapping[str, Card] = {
    "dora": Card(
        key="dora",
        title="DoRA",
        what="LoRA moves the direction of each weight; its length is learnt apart.",
        pros=("Often better than LoRA at low rank.",),
        cons=(
            "Slower steps, more memory.",
            "Unmerged it more than doubles the time of an answer: merge.",
        ),
        use_when="Rank 16 and below, and quality matters more than time.",
        how_we_run_it='PEFT\'s use_dora; method.variant = "dora". Off by default.',
    ),
    "rslora": Card(
        key="rslora",
        title="rsLoRA",
        what="LoRA scaled by alpha / √rank, so that a high rank is not scaled away.",
        pros=(
            "Stable at high rank.",
            "Costs nothing.",
        ),
        cons=("No gain at low rank.",),
        use_when="Rank 64 and above: hard tasks, continued pre-training.",
        how_we_run_it='PEFT\'s use_rslora; method.variant = "rslora" (arXiv 2312.03732).',
    ),
    "pissa": Card(
        key="pissa",
        title="PiSSA",
        what="LoRA that starts from the largest singular values of each weight instead of from nothing.",
        pros=("It learns faster at first.",),
        cons=(
            "The base is changed, so the adapter fits that base only.",
            "Needs an unquantised base.",
        ),
        use_when="Short runs in 16 bit.",
        how_we_run_it='PEFT; method.variant = "pissa".',
    ),
    "lora+": Card(
        key="lora+",
        title="LoRA+",
        what="B learns faster than A.",
        pros=("Sometimes fewer steps.",),
        cons=("One more ratio to choose.",),
        use_when="LoRA learns too slowly and its learning rate cannot go up.",
        how_we_run_it=(
            'PEFT\'s optimizer with B at 16 times the rate of A (arXiv 2402.12354); method.variant = "lora+".'
        ),
    ),
    "qat": Card(
        key="qat",
        title="Quantisation-aware training",
        what="Weights are rounded as in int4 or int8 in the forward pass, and learn to bear it.",
        pros=("Better answers at few bits than quantising afterwards.",),
        cons=(
            "All weights are trained, and slower.",
            "Narrow support; experimental.",
        ),
        use_when=(
            "The model will be served in int4 or int8, and quantising afterwards was measured to lose"
            " too much."
        ),
        how_we_run_it=(
            "torchao; the output head stays out of it. Calling a quantiser on a finished model is not"
            " this: that is quantising afterwards."
        ),
    ),
    "replay": Card(
        key="replay",
        title="Replay and EWC",
        what=(
            "Replay mixes old or general rows into the new ones; EWC makes it dear to move important weights."
        ),
        pros=(
            "Old skills stay.",
            "Replay needs no new code: one more data set.",
        ),
        cons=(
            "Replay needs such rows.",
            "EWC needs a further pass over old data, and one more weight.",
        ),
        use_when="The model must go on doing what it does now (continual learning).",
        how_we_run_it=(
            "A second entry of data.train, drawn for 5 to 20 % of the rows (unproven advice), LoRA at"
            " half the learning rate, and the same general questions at each evaluation."
        ),
    ),
    "multi_task": Card(
        key="multi_task",
        title="Several tasks",
        what="Several data sets in one run, each with its weight; or one adapter for each task.",
        pros=("Tasks that are alike help each other.",),
        cons=(
            "Tasks that differ get in each other's way.",
            "The large set drowns the small one.",
        ),
        use_when="Tasks are alike: one run. They differ: one adapter each, swapped when served.",
        how_we_run_it="data.train as a list with weights; or one run for each adapter, rank 8 to 16.",
    ),
}
"""By the variant's name in a spec, or by a word of our own."""
