"""No secret that another's settings hold is shown, whatever file of theirs it stands in."""

from __future__ import annotations

from pathlib import Path

from foreign_files import read

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
