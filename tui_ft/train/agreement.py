"""What all ranks decide together: none of several may stop, or leave out an update, alone."""

from __future__ import annotations

import torch
from transformers import TrainingArguments


def any_rank(args: TrainingArguments, mine: bool) -> bool:
    """True on every rank when it is true on one; every rank must ask at the same place. Of one rank: its own.

    It is a reduction of one number, the broadcast of the rank that knows; with several it costs a
    round trip a step.
    """
    if args.world_size <= 1:
        return mine
    told = torch.tensor(int(mine), device=args.device)
    torch.distributed.all_reduce(told, op=torch.distributed.ReduceOp.MAX)
    return bool(told.item())
