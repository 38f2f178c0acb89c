"""The trainer's loop under observation: phases marked, weights, gradients and states told apart."""

from __future__ import annotations

from typing import Any

import torch
from accelerate.state import AcceleratorState, PartialState
from torch import nn
from transformers import TrainerCallback
from trl import SFTTrainer

from tui_ft.train.methods import decoder_layers
from tui_ft.train.simulate.states import StateKeeper, needs_keeper
from tui_ft.train.simulate.tracing import Tracer
from tui_ft.train.trainer import RunTrainer


class SimulatedTrainer(RunTrainer):
    """`RunTrainer` on a device that need not be there; it writes no file and asks no value."""

    keeps_edges = False

    def __init__(self, *, on: torch.device, args: Any, **options: Any) -> None:
        self._on = on
        state = PartialState()
        state._shared_state["device"] = on
        args.__dict__["_setup_devices"] = on  # a cached property: the libraries ask nobody else
        self._tracer: Tracer | None = None
        super().__init__(
            run=None,  # type: ignore[arg-type]  # it writes no file
            journal=None,  # type: ignore[arg-type]
            follower=_Marks(self),
            on_first_step=lambda batches: None,
            args=args,
            **options,
        )

    def follow(self, tracer: Tracer) -> None:
        """Tell `tracer` what is there already, and from now on what happens."""
        self._tracer = tracer
        for name, parameter in self.model.named_parameters():
            beside = parameter.requires_grad and self._adds_weights
            tracer.register(parameter, name, "adapter" if beside else "weights")
        for name, buffer in self.model.named_buffers():
            tracer.register(buffer, name, "weights")
        layers = decoder_layers(self._base())
        layers[-1].register_forward_hook(_at_exit(tracer, "head"))
        for number, layer in enumerate(layers):
            layer.register_forward_pre_hook(_at_entry(tracer, f"layer {number}"))
            layer.register_forward_hook(_at_gradient(tracer, f"backward layer {number}"))
        self._wrap_backward(tracer)

    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        if needs_keeper(self.args.optim):
            self.optimizer = StateKeeper(self.model.parameters(), self.args.optim)
        return super().create_optimizer(model) if self.optimizer is None else self.optimizer

    def mark(self, phase: str) -> None:
        if self._tracer is not None:
            self._tracer.mark(phase)

    def evaluate_one_batch(self) -> None:
        """What an evaluation does with one batch; the rest of it repeats this."""
        self.mark("evaluation")
        self.model.eval()
        batch = next(iter(self.get_eval_dataloader()))
        SFTTrainer.prediction_step(self, self.model, batch, prediction_loss_only=True)

    def note_gradients(self) -> None:
        for name, parameter in self.model.named_parameters():
            if self._tracer is not None and parameter.grad is not None:
                self._tracer.categorise(parameter.grad, "gradients", name)

    def note_states(self) -> None:
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        for parameter, state in self.optimizer.state.items():
            for value in state.values():
                if self._tracer is not None and isinstance(value, torch.Tensor):
                    self._tracer.categorise(value, "optimizer", names[id(parameter)])

    @property
    def _adds_weights(self) -> bool:
        return hasattr(self.model, "peft_config")

    def _base(self) -> Any:
        return self.model.get_base_model() if self._adds_weights else self.model

    def _wrap_backward(self, tracer: Tracer) -> None:
        backward = self.accelerator.backward

        def marked(loss: torch.Tensor, **options: Any) -> None:
            tracer.mark("backward")
            backward(loss, **options)
            tracer.mark("after backward")

        self.accelerator.backward = marked

    def _get_output_dir(self, trial: Any) -> str:
        return ""

    def wait_for_saves(self) -> None:
        """Nothing is saved."""

    def _send_telemetry(self) -> None:
        """Nobody is told."""


def _at_entry(tracer: Tracer, phase: str) -> Any:
    def hook(module: nn.Module, inputs: Any) -> None:
        tracer.mark(phase)

    return hook


def _at_exit(tracer: Tracer, phase: str) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        tracer.mark(phase)

    return hook


def _at_gradient(tracer: Tracer, phase: str) -> Any:
    """Mark the moment when the gradient of a layer's output is there: its backward pass begins."""

    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if hidden.requires_grad:
            hidden.register_hook(lambda gradient: tracer.mark(phase))

    return hook


class _Marks(TrainerCallback):
    def __init__(self, trainer: SimulatedTrainer) -> None:
        self._trainer = trainer

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self._trainer.mark("forward")

    def on_substep_end(self, *args: Any, **kwargs: Any) -> None:
        self._trainer.mark("forward accumulated")

    def on_pre_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        self._trainer.note_gradients()
        self._trainer.mark("optimizer")

    def on_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        self._trainer.note_states()
        self._trainer.mark("after optimizer")


def forget_devices() -> None:
    """The libraries remember the device of a process; the next simulation may want another."""
    AcceleratorState._reset_state(reset_partial_state=True)
