"""Settings by the names of our spec, whatever tool wrote them, so that runs of two tools can be compared."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.watch.reading import SettingValue

_SPEC_NAMES = {
    "model.id": ("model_name_or_path", "model_name", "model_id", "base_model", "pretrained_model",
                 "pretrained", "_name_or_path", "init_from", "hf_model_path", "model"),
    "model.revision": ("model_revision",),
    "model.dtype": ("torch_dtype", "dtype"),
    "model.attention": ("attn_implementation", "flash_attn"),
    "model.trust_remote_code": ("trust_remote_code",),
    "data.train": ("dataset", "dataset_name", "train_file", "train_dataset", "data_path", "dataset_id"),
    "data.max_length": ("max_length", "max_seq_length", "max_seq_len", "cutoff_len", "sequence_len",
                        "model_max_length", "block_size"),
    "data.packing": ("packing", "sample_packing"),
    "method.rank": ("lora_r", "lora_rank", "r"),
    "method.alpha": ("lora_alpha",),
    "method.dropout": ("lora_dropout",),
    "method.targets": ("lora_target_modules", "lora_target", "target_modules"),
    "training.learning_rate": ("learning_rate", "lr"),
    "training.schedule": ("lr_scheduler_type", "lr_scheduler", "scheduler"),
    "training.warmup": ("warmup_ratio", "warmup_steps", "warmup_iters"),
    "training.epochs": ("num_train_epochs", "num_epochs", "epochs", "max_epochs"),
    "training.max_steps": ("max_steps", "max_iters"),
    "training.batch_size": ("per_device_train_batch_size", "micro_batch_size", "train_batch_size",
                            "batch_size"),
    "training.gradient_accumulation": ("gradient_accumulation_steps", "accumulate_grad_batches",
                                       "grad_accum_steps"),
    "training.optimizer": ("optim", "optimizer"),
    "training.weight_decay": ("weight_decay",),
    "training.max_grad_norm": ("max_grad_norm", "gradient_clip_val", "grad_clip"),
    "training.gradient_checkpointing": ("gradient_checkpointing",),
    "training.neftune_alpha": ("neftune_noise_alpha",),
    "training.dataloader_workers": ("dataloader_num_workers", "num_workers"),
    "training.seed": ("seed",),
    "objective.beta": ("beta", "pref_beta", "dpo_beta"),
    "evaluation.every_steps": ("eval_steps",),
    "checkpoints.every_steps": ("save_steps",),
    "checkpoints.keep": ("save_total_limit",),
}  # fmt: skip
_SECTION_PREFIXES = ("args/", "config/", "hparams/", "train/", "trainer/", "top.", "train.", "eval.")


def by_spec_names(settings: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    """Return what is known by the names of our spec's fields, and under its own name all else.

    Of several names for one field the first of its row counts, whatever the order of the file; a value
    that is None says nothing.
    """
    own = {name: value for name, value in settings.items() if value is not None}
    plain = {_plain(name): name for name in reversed(own)}
    found: dict[str, SettingValue] = {}
    used: set[str] = set()
    for field, names in _SPEC_NAMES.items():
        if field in own:
            found[field] = own[field]
            used.add(field)
        known = [plain[name] for name in names if name in plain and plain[name] not in used]
        said = [name for name in known if not _says_nothing(field, own[name])]
        if field not in found and said:
            found[field] = own[said[0]]
            used.add(said[0])
    rest = {name: value for name, value in own.items() if name not in used and name not in found}
    return {**found, **rest}


def _plain(name: str) -> str:
    """A setting's name without the section it stands in."""
    for prefix in _SECTION_PREFIXES:
        name = name.removeprefix(prefix)
    return name.rpartition(".")[2] if name.count(".") == 1 and " " not in name else name


def _says_nothing(field: str, value: SettingValue) -> bool:
    """True for the values by which TrainingArguments say "not set"."""
    if field == "training.max_steps":
        return isinstance(value, (int, float)) and value <= 0
    return field == "training.warmup" and value == 0
