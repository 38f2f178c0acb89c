"""Cards of the objectives: what the weights are moved for."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.guide.card import Card

OBJECTIVE_CARDS: Mapping[str, Card] = {
    "sft": Card(
        key="sft",
        title="SFT: supervised fine-tuning",
        what="The model imitates the answers in the data. Instruction tuning is this.",
        pros=(
            "The simplest, and the cheapest to get right.",
            "A thousand good rows go far.",
        ),
        cons=(
            "It learns bad rows as well as good ones.",
            "It is never told what not to say.",
        ),
        use_when="Form, tone, terms, a task, new behaviour; the first stage of everything else.",
        how_we_run_it=(
            "TRL's SFTTrainer; the loss sees the last answer only unless data.train_on says "
            "otherwise, and never the padding."
        ),
    ),
    "dpo": Card(
        key="dpo",
        title="DPO",
        what="Raises the better of two answers over the worse one, relative to the model as it was.",
        pros=("No reward model, no generation: stable and cheaper than RLHF.",),
        cons=(
            "Needs pairs.",
            "Two sequences a row: about twice the activations of SFT.",
        ),
        use_when="Tone and taste, after an SFT model, with pairs of answers.",
        how_we_run_it=(
            "TRL; learning rate 5e-6, beta 0.1, one epoch. With an adapter the base itself is the "
            "reference, so no second copy is held. Watch the accuracy of rewards and their margin."
        ),
    ),
    "kto": Card(
        key="kto",
        title="KTO",
        what="Learns from single answers, each marked good or bad.",
        pros=(
            "Thumbs up and down are cheap to collect.",
            "No pairs needed.",
        ),
        cons=(
            "Good and bad ones have to be in balance.",
            "Less told by each row than by a pair.",
        ),
        use_when="There are marks instead of pairs.",
        how_we_run_it="TRL's KTOTrainer; learning rate 5e-6, beta 0.1, one epoch.",
    ),
    "orpo": Card(
        key="orpo",
        title="ORPO",
        what="SFT and preference in one: the better answer is imitated, the worse one made unlikely.",
        pros=(
            "One stage.",
            "No reference model.",
        ),
        cons=(
            "Experimental in TRL.",
            "Two sequences a row.",
        ),
        use_when="There are pairs, and no SFT model yet.",
        how_we_run_it="TRL's experimental trainer; learning rate 8e-6, beta 0.1.",
    ),
    "reward": Card(
        key="reward",
        title="Reward model",
        what="The model learns to give an answer a score, from pairs.",
        pros=("Scores anything that people can compare.",),
        cons=("It can be fooled, and what is trained on it learns how.",),
        use_when="The first step of RLHF, where no program can score.",
        how_we_run_it="TRL's RewardTrainer; learning rate 1e-4 with LoRA.",
    ),
    "rloo": Card(
        key="rloo",
        title="RLOO",
        what="Several answers to a prompt are scored; each is held against the mean of the others.",
        pros=(
            "Optimises what can be scored.",
            "No value model.",
        ),
        cons=(
            "Generation costs most of the time.",
            "It pleases the score, not you.",
        ),
        use_when="RLHF: a reward model or a rule gives scores.",
        how_we_run_it=(
            "TRL; learning rate 1e-5, beta 0.05, at least 4 answers. It stands where PPO stood, which"
            " TRL no longer has."
        ),
    ),
    "grpo": Card(
        key="grpo",
        title="GRPO",
        what="Like RLOO, with the scores of each group of answers brought to one scale.",
        pros=(
            "Good for answers that can be checked: tests, numbers, formats.",
            "Rank 1 to 32 is enough.",
        ),
        cons=(
            "Generation costs most of the time.",
            "Without different scores in a group it learns nothing.",
        ),
        use_when="A program can tell right from wrong.",
        how_we_run_it="TRL; learning rate 1e-5, beta 0, 8 answers of at most 512 tokens for each prompt.",
    ),
    "distill": Card(
        key="distill",
        title="Distillation",
        what="A small model, the student, learns the teacher's probabilities for each token, or its texts.",
        pros=("A small, fast model.",),
        cons=("The teacher has to be in memory, or to have answered beforehand.",),
        use_when="Low latency, phones, the edge; a large model shows that the task can be done.",
        how_we_run_it=(
            "TRL's DistillationTrainer; both need one vocabulary. SFT on the teacher's texts needs "
            "none of that. Loading a small model's config is no distillation: the student starts from"
            " trained weights."
        ),
    ),
}
"""By the kind of objective."""
