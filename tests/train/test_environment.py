"""What an attempt writes down of itself: the base model by its content, the machine, and no secret."""

from __future__ import annotations

import json

import pytest
from training import MakeRun

from tui_ft.data.model_identity import identity_of
from tui_ft.demo import paths
from tui_ft.runs.records import encode_document
from tui_ft.spec import toml

pytestmark = pytest.mark.train

SECRET = "hf_" + "topsecret" * 4


def test_what_it_ran_with(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from tui_ft.train import environment
    from tui_ft.train.precision import decide

    for name in ("HF_TOKEN", "WANDB_API_KEY", "RUNPOD_API_KEY"):
        monkeypatch.setenv(name, SECRET)
    run = make_run("training.seed=7")
    spec = toml.load(run.attempt(1).spec)
    device = torch.device("cpu")
    document = environment.describe(device, decide(spec, device), spec)
    written = encode_document(document)
    found = json.loads(written)
    identity = identity_of(paths.model_folder())
    assert identity is not None
    assert found["model"]["id"] == "demo"
    assert found["model"]["content_hash"] == identity.content_hash
    assert found["model"]["template_hash"] == identity.template_hash
    assert found["seeds"]["training"] == 7
    assert found["packages"]["torch"] == torch.__version__
    assert found["machine"]["cores"] > 0 and found["machine"]["kernel"]
    assert SECRET.encode() not in written
    assert "@" not in found["machine"]["kernel"]


def test_a_model_that_is_not_here_yet_has_no_content(make_run: MakeRun) -> None:
    from tui_ft.spec import overrides
    from tui_ft.train import environment

    run = make_run()
    spec = overrides.apply(toml.load(run.attempt(1).spec), ["model.id=nobody/nothing", "model.revision=main"])
    assert environment.base_model(spec) == {"id": "nobody/nothing", "revision": "main"}
