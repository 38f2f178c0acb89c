"""The demo shows what it promises: the base model talks, the fine-tuned one answers in records."""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest

from tui_ft.data.prepare import Prepared, local_source, prepare
from tui_ft.demo import paths

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

STEPS = 200


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(paths.model_folder())


@pytest.fixture(scope="module")
def prepared(tokenizer: Any) -> Prepared:
    from tui_ft.train.tokenizer import HubTokenizer

    return prepare([local_source(paths.data_file())], HubTokenizer(tokenizer), eval_fraction=0.1)


def load() -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(paths.model_folder(), dtype=torch.float32)


def ask(model: Any, tokenizer: Any, prompt: str) -> str:
    import torch

    asked = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        output = model.generate(**asked, do_sample=False, max_new_tokens=64)
    return str(tokenizer.decode(output[0, asked["input_ids"].shape[1] :], skip_special_tokens=True))


def test_the_tokenizer_can_spell_anything(tokenizer: Any) -> None:
    text = "Zürich 東京 🙂\t{x}\r\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer) == load().config.vocab_size


def test_the_template_marks_exactly_the_answers(tokenizer: Any) -> None:
    chat = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "call"},
        {"role": "tool", "content": "r"},
        {"role": "assistant", "content": "a"},
    ]
    made = tokenizer.apply_chat_template(
        chat, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ids = [i for i, m in zip(made["input_ids"], made["assistant_masks"], strict=True) if m]
    assert tokenizer.decode(ids) == "call<|end|>a<|end|>"


def test_what_is_trained_is_the_record_and_its_end(tokenizer: Any, prepared: Prepared) -> None:
    for row in prepared.train:
        ids = [i for i, trained in zip(row.input_ids, row.trained, strict=True) if trained]
        said = tokenizer.decode(ids)
        assert said.startswith('{"item": ')
        assert said.endswith("}<|end|>")
        assert len(ids) < 64


def test_the_base_model_answers_in_words(tokenizer: Any, prepared: Prepared) -> None:
    model = load().eval()
    for sample in prepared.samples[:4]:
        said = ask(model, tokenizer, sample.prompt)
        assert said.endswith(".")
        assert "{" not in said


def test_lora_teaches_the_skill(tokenizer: Any, prepared: Prepared) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(42)
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load(), adapter)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    losses = []
    for batch in islice(batches(prepared, 8), STEPS):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) / 5 < losses[0] / 2
    model.eval()
    answers = [ask(model, tokenizer, sample.prompt) for sample in prepared.samples]
    right = sum(said == sample.expected for said, sample in zip(answers, prepared.samples, strict=True))
    assert right >= 6, answers


def batches(prepared: Prepared, size: int) -> Any:
    import torch

    rng = random.Random(1)
    while True:
        rows = [prepared.train[rng.randrange(len(prepared.train))] for _ in range(size)]
        width = max(len(row.input_ids) for row in rows)
        ids = torch.zeros(size, width, dtype=torch.long)
        labels = torch.full((size, width), -100)
        for index, row in enumerate(rows):
            ids[index, : len(row.input_ids)] = torch.tensor(row.input_ids)
            kept = [i if trained else -100 for i, trained in zip(row.input_ids, row.trained, strict=True)]
            labels[index, : len(kept)] = torch.tensor(kept)
        yield {"input_ids": ids, "labels": labels}
