"""Training scripts as people write them, with no word of tui-ft: each is started by hand in a test.

Every script takes its pace and its end from the file `end` beside it: `run` goes on, `finish` lets it come
to its last step, `fail` raises. So a test decides when, and nothing waits for a clock.
"""

from __future__ import annotations

_PACE = '''
import os, time

def pace():
    """A step of a real model takes its time; until the test says how it is to end."""
    time.sleep(0.1 if os.path.exists("slow") else 0.005)
    if os.path.exists("fail"):
        raise ValueError("the data ended at a bad place")
'''

_TINY = """
import torch
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback

torch.manual_seed(0)
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=32, pad_token_id=0, bos_token_id=1, eos_token_id=2))

class Pace(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        pace()
"""

TRAINER = (
    _PACE
    + _TINY
    + """
from transformers import Trainer, TrainingArguments

class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, at):
        ids = torch.arange(at, at + 8) % 64
        return {"input_ids": ids, "labels": ids}

args = TrainingArguments(
    output_dir="out", max_steps=STEPS, per_device_train_batch_size=2, logging_steps=1, save_steps=20,
    save_total_limit=1, report_to=REPORT, use_cpu=True, disable_tqdm=False, dataloader_pin_memory=False)
Trainer(model=model, args=args, train_dataset=Rows(), callbacks=[Pace()]).train()
"""
)

TRL = (
    _PACE
    + _TINY
    + """
from datasets import Dataset
from transformers import PreTrainedTokenizerFast
from tokenizers import Tokenizer, models, pre_tokenizers
from trl import SFTConfig, SFTTrainer

words = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, **{f"w{k}": k for k in range(4, 64)}}
inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>")
rows = Dataset.from_list([{"text": " ".join(f"w{4 + (at + k) % 60}" for k in range(8))} for at in range(64)])
args = SFTConfig(
    output_dir="out", max_steps=STEPS, per_device_train_batch_size=2, logging_steps=1, max_length=16,
    save_strategy="no", report_to=REPORT, use_cpu=True, bf16=False, dataloader_pin_memory=False)
SFTTrainer(
    model=model, args=args, train_dataset=rows, processing_class=tokenizer, callbacks=[Pace()]).train()
"""
)

WANDB = (
    _PACE
    + """
import wandb

run = wandb.init(project="tiny", mode="offline", config={"learning_rate": 0.001, "batch_size": 4})
for step in range(1, STEPS + 1):
    pace()
    run.log({"train/loss": 4.0 / (1 + 0.01 * step), "train/grad_norm": 1.0, "train/global_step": step})
run.finish()
"""
)


def script(text: str, *, steps: int, report: str = "none") -> str:
    """The script for `steps` optimizer steps that reports to `report`."""
    return text.replace("STEPS", str(steps)).replace("REPORT", repr(report))
