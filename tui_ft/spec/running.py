"""The sections that say how it is done: from training and evaluation to hardware and notes."""

from __future__ import annotations

from typing import Annotated, Literal

from tui_ft.spec.declare import Section, about

Schedule = Literal["cosine", "linear", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"]
Optimizer = Literal[
    "auto", "adamw_torch_fused", "adamw_torch", "adamw_bnb_8bit", "paged_adamw_8bit",
    "paged_adamw_32bit", "adafactor", "lion_8bit", "paged_lion_8bit", "sgd",
]  # fmt: skip
Tracker = Literal["tensorboard", "wandb", "mlflow", "trackio"]


class TrainingSection(Section, kw_only=True, frozen=True):
    """How they are moved."""

    learning_rate: Annotated[
        float | None,
        about(
            "Learning rate",
            "Unset: by the method (2e-4 LoRA and QLoRA, 2e-5 full; 1e-5 is safer from 7B on).",
            usual="LoRA 1e-4 to 3e-4, full 5e-6 to 5e-5", example=2e-4, gt=0, le=1,
        ),
    ] = None  # fmt: skip
    schedule: Annotated[Schedule, about("Schedule", "How the learning rate falls.")] = "cosine"
    warmup: Annotated[
        float,
        about(
            "Warmup",
            "Below 1: share of the steps; from 1 on: steps.",
            usual="0.03 to 0.1",
            ge=0,
            le=1_000_000,
        ),
    ] = 0.05
    epochs: Annotated[
        float,
        about("Epochs", "Passes over the data.", unit="epochs", usual="1 to 3", gt=0, le=10_000),
    ] = 3.0
    max_steps: Annotated[
        int | None,
        about(
            "Steps",
            "Stop after so many; wins over epochs.",
            unit="optimizer steps",
            example=1000,
            ge=1,
            le=10**9,
        ),
    ] = None
    batch_size: Annotated[
        int,
        about(
            "Batch",
            "Rows at a time on each GPU; set by memory.",
            unit="rows",
            usual="1 to 16",
            ge=1,
            le=65_536,
        ),
    ] = 4
    gradient_accumulation: Annotated[
        int,
        about(
            "Accumulation",
            "Batches a step; effective batch = batch_size × this × GPUs, 16 is usual, LoRA below 32.",
            unit="batches", usual="1 to 64", ge=1, le=65_536,
        ),
    ] = 4  # fmt: skip
    optimizer: Annotated[
        Optimizer, about("Optimizer", "auto: adamw_torch_fused, with a quantised base paged_adamw_8bit.")
    ] = "auto"
    weight_decay: Annotated[
        float | None,
        about("Weight decay", "Unset: 0, with full 0.01.", usual="0 to 0.1", example=0.0, ge=0, le=1),
    ] = None
    max_grad_norm: Annotated[
        float,
        about(
            "Gradient clipping", "Longer gradients are cut to this; 0: never.", usual="0.3 to 1", ge=0, le=1e6
        ),
    ] = 1.0
    gradient_checkpointing: Annotated[
        bool, about("Gradient checkpointing", "Much less memory for about a third more time.")
    ] = True
    precision: Annotated[
        Literal["auto", "bf16", "fp16", "fp32"],
        about("Precision", "auto: bf16 where the GPU has it, else fp16, on the CPU fp32."),
    ] = "auto"
    neftune_alpha: Annotated[
        float | None,
        about(
            "NEFTune",
            "Noise on the embeddings: may help small chat sets.",
            usual="5",
            example=5.0,
            gt=0,
            le=1000,
        ),
    ] = None
    dataloader_workers: Annotated[
        int | None,
        about(
            "Data workers",
            "Unset: by the cores, at most 4.",
            unit="processes",
            usual="0 to 8",
            example=2,
            ge=0,
            le=256,
        ),
    ] = None
    seed: Annotated[int, about("Seed", "Adapter weights, dropout, order.", ge=0, le=2**32 - 1)] = 42


class EvaluationSection(Section, kw_only=True, frozen=True):
    """How it is judged while it trains."""

    every_steps: Annotated[
        int | None,
        about(
            "Evaluate, by steps",
            "Unset: every quarter epoch.",
            unit="optimizer steps",
            example=100,
            ge=1,
            le=10**9,
        ),
    ] = None
    every_epochs: Annotated[
        float | None,
        about("Evaluate, by epochs", "Instead of every_steps.", unit="epochs", example=0.25, gt=0, le=10_000),
    ] = None
    probe: Annotated[
        str | None,
        about(
            "Probe",
            "Rows of another kind, evaluated too: they show what is forgotten.",
            example="general.jsonl",
        ),
    ] = None
    metrics: Annotated[
        list[str], about("Metrics", "More than loss and perplexity, by name.", example=["exact_match"])
    ] = []
    prompts: Annotated[
        list[str],
        about(
            "Prompts",
            "Answered before and after training; none: the first held-out rows.",
            example=["Hello!"],
        ),
    ] = []


class CheckpointsSection(Section, kw_only=True, frozen=True):
    """What is kept so that nothing is lost."""

    every_steps: Annotated[
        int | None,
        about(
            "Save, by steps",
            "Save by steps instead of by time.",
            unit="optimizer steps",
            example=500,
            ge=1,
            le=10**9,
        ),
    ] = None
    every_minutes: Annotated[
        float | None,
        about(
            "Save, by time",
            "Save by time; unset: by how long a save takes and how long the machine lasts.",
            unit="minutes",
            usual="5 to 30",
            example=10,
            gt=0,
            le=10_080,
        ),
    ] = None
    keep: Annotated[
        int,
        about(
            "Keep",
            "The newest so many, and the best, are kept; by time, a new best is saved at once.",
            usual="1 to 5",
            ge=1,
            le=10_000,
        ),
    ] = 2
    keep_gib: Annotated[
        float | None,
        about(
            "Keep, by size",
            "Older ones also go when all take more; the newest and the best stay.",
            unit="GiB",
            example=50,
            gt=0,
            le=1_000_000,
        ),
    ] = None
    hours_between_failures: Annotated[
        float | None,
        about(
            "Failures",
            "How long such a machine lasts on average; unset: by what happened to runs here.",
            unit="hours",
            usual="2 to 100, spot 1 to 12",
            example=6,
            gt=0,
            le=100_000,
        ),
    ] = None
    auto_resume: Annotated[
        bool,
        about("Go on by itself", "`tui-ft start` of the same spec goes on with a run that was cut off."),
    ] = False


class HardwareSection(Section, kw_only=True, frozen=True):
    """What it runs on."""

    gpus: Annotated[
        Literal["auto"] | int | list[int | str],
        about(
            "GPUs",
            '"auto": the one with the most free memory; a count; or a list of indices or UUIDs.',
            ge=1,
            le=1024,
        ),
    ] = "auto"
    strategy: Annotated[
        Literal["single", "ddp", "fsdp", "zero2", "zero3"],
        about("Strategy", "How several GPUs share the work."),
    ] = "single"
    memory_fraction: Annotated[
        float | None,
        about(
            "Memory share",
            "Use at most this share of the GPU's memory.",
            usual="0.5 to 0.95",
            example=0.9,
            gt=0,
            le=1,
        ),
    ] = None
    nodes: Annotated[int, about("Machines", "How many machines take part.", ge=1, le=1024)] = 1
    node_rank: Annotated[int, about("This machine", "Number of this machine, from 0.", ge=0, le=1023)] = 0
    rendezvous: Annotated[
        str | None, about("Rendezvous", "host:port where the machines meet.", example="10.0.0.1:29500")
    ] = None


class TrackingSection(Section, kw_only=True, frozen=True):
    """Who else is told; tokens stay in the environment."""

    report_to: Annotated[list[Tracker], about("Trackers", "Also report there.", example=["tensorboard"])] = []


class AfterSection(Section, kw_only=True, frozen=True):
    """What happens when the run ends; addresses and commands stay in your settings."""

    notify: Annotated[
        list[str], about("Notify", "Names of notification targets in your settings.", example=["phone"])
    ] = []
    copy_to: Annotated[
        str | None,
        about(
            "Copy the result to",
            "A folder; the copy is verified before the hook runs.",
            example="/workspace/results",
        ),
    ] = None
    hook: Annotated[str | None, about("Hook", "Name of a hook in your settings.", example="upload")] = None
    idle_minutes: Annotated[
        float | None,
        about(
            "Idle",
            "Run the hook only after the machine idled so long.",
            unit="minutes",
            example=15,
            gt=0,
            le=10_080,
        ),
    ] = None
    budget: Annotated[
        float | None,
        about(
            "Budget",
            "Save and stop once the run has cost so much, in the currency of your settings.",
            example=20,
            gt=0,
            le=1e9,
        ),
    ] = None


class HealthSection(Section, kw_only=True, frozen=True):
    """What watches over it while nobody looks."""

    silence: Annotated[
        list[str], about("Silence", "Findings that you do not want to hear of, by code.", example=["plateau"])
    ] = []
    stop_on: Annotated[
        list[str] | None,
        about(
            "Stop on",
            "Findings that save and stop the run, by code; unset: nonfinite.",
            example=["nonfinite"],
        ),
    ] = None


class NotesSection(Section, kw_only=True, frozen=True):
    """For people."""

    name: Annotated[str, about("Name", "Part of the run's id; empty: made from model and method.")] = ""
    tags: Annotated[list[str], about("Tags", "Words to find it again.", example=["trial"])] = []
    text: Annotated[str, about("Notes", "Whatever should be remembered.")] = ""
