"""One training with the time of each step written down: a plain TRL script, or the trainer of a run.

    timed_steps.py plain TIMES STEPS            the script that one would write by hand for the same spec
    timed_steps.py ours TIMES run RUN …         the run's trainer itself, as the supervisor starts it

TIMES gets a line a step: seconds of the clock and of CPU at the moment when the step is logged.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SPEC = (
    "model.id=demo", "data.train=demo", "data.eval_fraction=0", "data.max_length=256",
    "training.batch_size=4", "training.gradient_accumulation=2", "training.learning_rate=2e-4",
    "training.dataloader_workers=0", "evaluation.every_steps=100000",
)  # fmt: skip


def note(times: list[tuple[float, float]]) -> None:
    times.append((time.monotonic(), time.process_time()))


def plain(times: list[tuple[float, float]], steps: int, folder: Path) -> list[dict[str, Any]]:
    """LoRA on the demo model and data with TRL, peft and datasets as their manuals show it.

    Returns what it logged.
    """
    import datasets
    import transformers
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from tui_ft.demo import paths

    class Clock(transformers.TrainerCallback):  # type: ignore[misc]
        def on_log(self, *_: Any, **__: Any) -> None:
            note(times)

    rows = [json.loads(line)["messages"] for line in paths.data_file().read_text().splitlines()]
    pairs = [{"prompt": row[:-1], "completion": row[-1:]} for row in rows]
    model = transformers.AutoModelForCausalLM.from_pretrained(paths.model_folder(), dtype="float32")
    config = SFTConfig(
        output_dir=str(folder / "plain"), use_cpu=True, bf16=False,
        max_steps=steps, max_length=256, per_device_train_batch_size=4, gradient_accumulation_steps=2,
        learning_rate=2e-4, logging_steps=1, lr_scheduler_type="cosine", warmup_steps=0.05,
        gradient_checkpointing=True, save_strategy="no", report_to="none", disable_tqdm=True,
        logging_nan_inf_filter=False, dataloader_num_workers=0,
    )  # fmt: skip
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=datasets.Dataset.from_list(pairs),
        processing_class=transformers.AutoTokenizer.from_pretrained(paths.model_folder()),
        peft_config=adapter,
        callbacks=[Clock()],
    )
    trainer.train()
    return list(trainer.state.log_history)


@contextmanager
def rows_timed(times: list[tuple[float, float]]) -> Iterator[None]:
    """While it lasts, each row of a step that a trainer of ours writes is timed too."""
    from tui_ft.train.journal import Journal

    whole = Journal.metrics

    def metrics(self: Journal, row: Any) -> None:
        whole(self, row)
        if "loss" in row:
            note(times)

    Journal.metrics = metrics  # type: ignore[method-assign]
    try:
        yield
    finally:
        Journal.metrics = whole  # type: ignore[method-assign]


def ours(times: list[tuple[float, float]], arguments: list[str]) -> int:
    """The trainer as it is, with everything around it; only its rows are timed too."""
    from tui_ft.train import __main__ as trainer

    sys.argv = ["tui_ft.train", *arguments]
    with rows_timed(times):
        return trainer.main()


def main() -> int:
    kind, place = sys.argv[1], Path(sys.argv[2])
    times: list[tuple[float, float]] = []
    code = 0
    if kind == "plain":
        plain(times, int(sys.argv[3]), place.parent)
    else:
        code = ours(times, sys.argv[3:])
    place.write_text("\n".join(f"{wall} {cpu}" for wall, cpu in times))
    return code


if __name__ == "__main__":
    sys.exit(main())
