"""The fake trainer with rows that are not well: `ill_fake_trainer.py diverges run RUN --attempt N`.

`diverges` learns for 30 steps and then its loss goes up, `nan` has no finite loss from step 10 on, `still`
makes five steps and then none; each goes on until it is stopped. `stuck` is like `still`, in a call that no
handler of a signal interrupts.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fake_trainer import Trainer

from tui_ft.runs.directory import RunDirectory


def loss_at(behaviour: str, step: int) -> float:
    if behaviour == "nan" and step >= 10:
        return math.nan
    return 2.0 if behaviour != "diverges" or step < 30 else 2.0 + (step - 30)


def main(behaviour: str, run: RunDirectory, attempt: int) -> int:
    trainer = Trainer(run, attempt)
    signal.signal(signal.SIGTERM, lambda *_: setattr(trainer, "must_stop", True))
    trainer.enter("training", 5000)
    while not trainer.must_stop:
        if behaviour not in ("still", "stuck") or trainer.step < 5:
            trainer.step += 1
            trainer.metrics.write(
                {"step": trainer.step, "time": time.time(), "loss": loss_at(behaviour, trainer.step)}
            )
        if behaviour == "stuck" and trainer.step == 5:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            time.sleep(600)
        trainer.obey()
        time.sleep(0.02)
    trainer.save()
    trainer.end("stopped", f"Stopped at step {trainer.step}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], RunDirectory(Path(sys.argv[3])), int(sys.argv[5])))
