"""Training scripts as people write them, with no word of tui-ft: each is started by hand in a test.

Each stops at a gate after the step GATE until the file `go` lies beside it, and then goes on to its last
step, or raises where `fail` lies there. So a test decides when and how a run ends.
"""

from __future__ import annotations

_GATE = """
import os
import time


def pace(step):
    while step >= GATE and not os.path.exists("go"):
        time.sleep(0.02)
    if step >= GATE and os.path.exists("fail"):
        raise ValueError("row 17 of the data holds no text")
"""

_TINY_MODEL = """
import torch
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback

torch.manual_seed(0)
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=32, pad_token_id=0, bos_token_id=1, eos_token_id=2))


class Pace(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        pace(state.global_step)
"""

TRAINER = (
    _GATE
    + _TINY_MODEL
    + """
from transformers import Trainer, TrainingArguments


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, at):
        ids = torch.arange(at, at + 8) % 64
        return {"input_ids": ids, "labels": ids}


args = TrainingArguments(
    output_dir="out", max_steps=STEPS, per_device_train_batch_size=2, logging_steps=1, save_steps=100,
    report_to="none", use_cpu=True, dataloader_pin_memory=False)
Trainer(model=model, args=args, train_dataset=Rows(), callbacks=[Pace()]).train()
"""
)
"""A plain Trainer, as `TrainingArguments` has it by default: its curve is on the standard output alone."""

TRL = (
    _GATE
    + _TINY_MODEL
    + """
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

words = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, **{f"w{k}": k for k in range(4, 64)}}
inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>")
rows = Dataset.from_list([{"text": " ".join(f"w{4 + (at + k) % 60}" for k in range(8))} for at in range(64)])
args = SFTConfig(
    output_dir="out", max_steps=STEPS, per_device_train_batch_size=2, logging_steps=1, max_length=16,
    save_strategy="no", report_to="tensorboard", use_cpu=True, bf16=False, dataloader_pin_memory=False)
SFTTrainer(
    model=model, args=args, train_dataset=rows, processing_class=tokenizer, callbacks=[Pace()]).train()
"""
)
"""TRL's trainer, which reports to TensorBoard through transformers."""

TENSORBOARD = (
    _GATE
    + """
import torch
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(0)
layer = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
writer = SummaryWriter("runs/tiny", flush_secs=1)
for step in range(1, STEPS + 1):
    rows = torch.randn(16, 8)
    loss = ((layer(rows) - rows.sum(1, keepdim=True)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    writer.add_scalar("train/loss", loss.item(), step)
    if step == GATE:
        writer.flush()
    pace(step)
writer.close()
"""
)
"""A loop of one's own that says nothing but event files: there is no mark of its end."""

WANDB = (
    _GATE
    + """
import wandb

run = wandb.init(project="tiny", mode="offline", config={"learning_rate": 0.001, "batch_size": 4})
for step in range(1, STEPS + 1):
    run.log({"train/loss": 4.0 / (1 + 0.01 * step), "train/grad_norm": 1.0, "train/global_step": step})
    pace(step)
run.finish()
"""
)


def script(text: str, *, steps: int, gate: int) -> str:
    """The script for `steps` optimizer steps that waits at its gate after the step `gate`."""
    return text.replace("STEPS", str(steps)).replace("GATE", str(gate))
