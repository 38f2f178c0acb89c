"""No secret that another's settings hold is shown, whatever file of theirs it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign_files import read

from tui_ft.watch.processes.secrets import mask_arguments
from tui_ft.watch.sources import lightning_csv, llamafactory, setting_values


def test_of_lightning_and_llamafactory(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,train_loss\n0,1,2.0\n")
    (tmp_path / "hparams.yaml").write_text("api_key: s3cret\nlr: 0.1\n")
    assert read(lightning_csv.FORMAT, tmp_path).settings == {"api_key": "***", "lr": 0.1}
    (tmp_path / "trainer_log.jsonl").write_text('{"current_steps": 1, "total_steps": 5, "loss": 2.0}\n')
    (tmp_path / "training_args.yaml").write_text("hub_token: s3cret\nseed: 42\n")
    assert read(llamafactory.FORMAT, tmp_path).settings == {"hub_token": "***", "seed": 42}


def test_within_lists_and_texts() -> None:
    found = setting_values.flat({
        "loggers": [{"wandb": {"api_key": "s3cret", "project": "p"}}],
        "command": "python train.py --hub_token s3cret --lr 1e-4",
        "address": "https://host/log?run=1&token=s3cret7",
        "header": "Authorization: Bearer s3cret7",
    })  # fmt: skip
    assert "s3cret" not in str(found)
    assert found["loggers"] == '[{"wandb": {"api_key": "***", "project": "p"}}]'
    assert found["command"] == "python train.py --hub_token *** --lr 1e-4"
    assert found["address"] == "https://host/log?run=1&token=***"


def test_what_only_looks_like_one_stays() -> None:
    plain = {
        "note": "Basic training with 4 tokens",
        "eos_token": "</s>",
        "cmd": "--eos_token <|im_end|> --key_dim 64",
    }
    assert setting_values.flat(plain) == plain


SECRET_NAMES = (
    "api_keys", "hf-tokens", "hubToken", "HF_TOKEN", "HF_TOKEN_READ", "x.password.v", "WANDB_API_KEY_2",
    "apiKey", "wandb.api_key.value", "openaiApiKey", "secrets.openai", "client_secret", "passwords",
    "AWS_SECRET_ACCESS_KEY", "hub_token", "auth_token", "api_key.team",
)  # fmt: skip
OPEN_NAMES = (
    "num_tokens", "max_tokens", "max_new_tokens", "tokens_per_s", "train_tokens_per_second", "pad_token",
    "eos_token_id", "tokenizer", "tokenizer_name", "num_input_tokens_seen", "special_tokens", "padToken",
    "key_dim", "num_key_value_heads", "n_tokens", "tokens", "total_tokens", "passes", "author", "keys_to_log",
    "monkey", "average_tokens_across_devices", "tokens.max", "add_bos_token", "include_num_input_tokens_seen",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    for value in ("s3cretword", 8_675_309):
        assert setting_values.flat({name: value}) == {name: "***"}
        told = setting_values.flat({"list": [{name: value}], "text": f"a {{'{name}': '{value}'}} b"})
        assert str(value) not in str(told)
    for line in (
        [f"--{name}", "-s3cretword"],
        [f"{name}=s3cretword"],
        [f"{{'{name}': 's3cretword', 'lr': 1}}"],
        [f'{{"{name}":"s3cretword"}}'],
        [f"{{{name}: s3cretword, lr: 1}}"],
        ["-c", f"{name}=s3cretword python t.py"],
    ):
        assert "s3cret" not in " ".join(mask_arguments(line))


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_names_of_what_is_counted_or_tokenized(name: str) -> None:
    for value in ("plain", 32_000):
        assert setting_values.flat({name: value}) == {name: value}
        told = setting_values.flat({"list": [{name: value}], "text": f"a {{'{name}': '{value}'}} b"})
        assert str(told).count(str(value)) == 2
    for line in ([f"--{name}", "-plain"], [f"{name}=plain"], [f"{{'{name}': 'plain', 'lr': 1}}"]):
        assert mask_arguments(line) == line


def test_lists_of_secrets_are_hidden_whole() -> None:
    told = setting_values.flat({"logger": [{"api_keys": ["first", "second"], "passwords": {"me": "third"}}]})
    assert not [word for word in ("first", "second", "third") if word in str(told)]
    assert mask_arguments(["--token", "--seed", "1", "-u"]) == ["--token", "--seed", "1", "-u"]
