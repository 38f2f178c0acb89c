"""The sections that say what is learnt: model, data, method, objective."""

from __future__ import annotations

from typing import Annotated, Literal

from tui_ft.spec.declare import Section, about

MethodKind = Literal[
    "full", "last_layers", "lora", "adalora", "adapter", "prefix", "prompt", "p_tuning", "ia3"
]
ObjectiveKind = Literal["sft", "dpo", "kto", "orpo", "reward", "rloo", "grpo", "distill"]
Variant = Literal["rslora", "dora", "pissa", "lora+"]
Quantization = Literal["nf4", "fp4", "int8"]
DataFormat = Literal[
    "auto", "alpaca", "sharegpt", "messages", "prompt_completion", "preference", "kto",
    "prompt_only", "text",
]  # fmt: skip


class ModelSection(Section, kw_only=True, frozen=True):
    """The base model that is fine-tuned."""

    id: Annotated[
        str | None,
        about("Model", 'Hub id, local folder, or "demo" for the built-in tiny model.', example="org/name"),
    ] = None
    revision: Annotated[
        str | None, about("Revision", "Branch, tag or commit on the hub; unset: the newest.", example="main")
    ] = None
    dtype: Annotated[
        Literal["auto", "bfloat16", "float16", "float32"],
        about(
            "Weights' dtype",
            "How the weights are loaded. auto: frozen weights in 16 bit, trained ones in float32; "
            "bfloat16 with full fine-tuning halves the memory and loses small updates.",
        ),
    ] = "auto"
    attention: Annotated[
        Literal["auto", "sdpa", "eager", "flash_attention_2"],
        about("Attention", "Attention kernel; flash_attention_2 needs its own package."),
    ] = "auto"
    trust_remote_code: Annotated[
        bool, about("Trust remote code", "Run Python code that comes with the model. Read it first.")
    ] = False
    adapter: Annotated[
        str | None,
        about("Adapter", "Folder or hub id of an adapter to go on training.", example="path/to/adapter"),
    ] = None


class DataSource(Section, kw_only=True, frozen=True):
    """One of several training data sets: where it lies and how often its rows are drawn."""

    path: str
    weight: float = 1.0
    format: DataFormat = "auto"
    columns: dict[str, str] | None = None


class DataSection(Section, kw_only=True, frozen=True):
    """What it learns from."""

    train: Annotated[
        str | list[DataSource] | None,
        about(
            "Training data",
            'File or hub id; "demo" for the built-in data; or a list of { path, weight, format }.',
            example="path/to/data.jsonl",
        ),
    ] = None
    eval: Annotated[
        str | None,
        about(
            "Evaluation data",
            "Held-out file or hub id; unset: eval_fraction is split off.",
            example="eval.jsonl",
        ),
    ] = None
    eval_fraction: Annotated[
        float,
        about(
            "Held-out share",
            "Share of the rows kept for evaluation; 0: none.",
            usual="0.02 to 0.1",
            ge=0,
            le=0.5,
        ),
    ] = 0.05
    limit: Annotated[
        int | None,
        about(
            "Rows at most",
            "For a trial: so many to train on and to hold out, half of them the longest of 20,000.",
            unit="rows",
            example=100,
            ge=1,
            le=10**9,
        ),
    ] = None
    format: Annotated[DataFormat, about("Format", "Shape of a row; auto looks at the rows.")] = "auto"
    columns: Annotated[
        dict[str, str] | None,
        about(
            "Columns",
            "Which column plays which part, if not the usual names.",
            example={"prompt": "question"},
        ),
    ] = None
    max_length: Annotated[
        int,
        about(
            "Length",
            "Longer rows are cut at the end.",
            unit="tokens",
            usual="512 to 4096",
            ge=8,
            le=1_048_576,
        ),
    ] = 1024
    packing: Annotated[
        bool, about("Packing", "Put several short rows into one sequence: faster for short rows.")
    ] = False
    train_on: Annotated[
        Literal["completion", "assistant", "all"],
        about("Trained on", "completion: the last answer; assistant: every answer; all: prompts too."),
    ] = "completion"
    seed: Annotated[int, about("Seed", "Split and order of the rows.", ge=0, le=2**32 - 1)] = 42


class MethodSection(Section, kw_only=True, frozen=True):
    """Which weights move."""

    kind: Annotated[
        MethodKind, about("Method", 'LoRA with quantization = "nf4" is QLoRA; kind = "qlora" means that too.')
    ] = "lora"
    rank: Annotated[
        int | None,
        about(
            "Rank",
            "Capacity of the adapter: more when it underfits.",
            usual="8 to 64",
            example=16,
            ge=1,
            le=1024,
        ),
    ] = None
    alpha: Annotated[
        int | None,
        about(
            "Alpha", "Scale of the update is alpha / rank; unset: twice the rank.", example=32, ge=1, le=4096
        ),
    ] = None
    dropout: Annotated[
        float | None,
        about("Dropout", "Regularises; 0.05 below 1,000 rows.", usual="0 to 0.1", example=0.0, ge=0, lt=1),
    ] = None
    targets: Annotated[
        Literal["all-linear", "attention"] | list[str] | None,
        about("Target modules", '"all-linear", "attention" or module names.', example="all-linear"),
    ] = None
    variant: Annotated[
        Variant | None,
        about("Variant", "rslora for rank 64 and more; dora at low rank, slower.", example="rslora"),
    ] = None
    layers: Annotated[
        int | None,
        about("Layers", "How many of the last blocks are trained.", usual="1 to 8", example=2, ge=1, le=1000),
    ] = None
    quantization: Annotated[
        Quantization | None,
        about("Quantization", "Hold the frozen base in 4 or 8 bit: QLoRA.", example="nf4"),
    ] = None
    double_quantization: Annotated[
        bool | None,
        about(
            "Double quantization", "Quantise the 4-bit scales too: 0.05 bytes less a weight.", example=True
        ),
    ] = None
    virtual_tokens: Annotated[
        int | None,
        about(
            "Virtual tokens",
            "Length of the soft prompt.",
            unit="tokens",
            usual="8 to 100",
            example=20,
            ge=1,
            le=4096,
        ),
    ] = None


class ObjectiveSection(Section, kw_only=True, frozen=True):
    """What they are moved for."""

    kind: Annotated[ObjectiveKind, about("Objective", "sft: imitate the answers in the data.")] = "sft"
    beta: Annotated[
        float | None,
        about(
            "Beta",
            "How tightly the model is held to its reference.",
            usual="0.01 to 0.5",
            example=0.1,
            ge=0,
            le=10,
        ),
    ] = None
    teacher: Annotated[
        str | None, about("Teacher", "Hub id or folder of the model to learn from.", example="org/teacher")
    ] = None
    reward_model: Annotated[
        str | None, about("Reward model", "Hub id or folder of the model that scores.", example="org/reward")
    ] = None
    reward_function: Annotated[
        str | None,
        about("Reward function", "module:function that scores an answer.", example="rewards:score"),
    ] = None
