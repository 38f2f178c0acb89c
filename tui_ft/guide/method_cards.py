"""Cards of the methods: which weights move."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.guide.card import Card

METHOD_CARDS: Mapping[str, Card] = {
    "full": Card(
        key="full",
        title="Full fine-tuning",
        what="Every weight of the model is updated.",
        pros=(
            "The most capacity: it can change anything about the model.",
            "Nothing extra when served.",
        ),
        cons=(
            "16 bytes a weight (float32 weights, gradients and AdamW's two states) before activations.",
            "It can forget what it knew.",
            "The result and each checkpoint are whole models.",
        ),
        use_when="100,000 rows and more, a new language or field, or a small model for one job.",
        how_we_run_it=(
            "TRL's SFTTrainer, weights in float32 under bf16 autocast; learning rate 2e-5, from 7B on"
            ' 1e-5. Pure bf16 (model.dtype = "bfloat16") halves the memory and loses small updates.'
        ),
    ),
    "last_layers": Card(
        key="last_layers",
        title="Last layers only",
        what="All but the last few blocks are frozen; those are trained as they are.",
        pros=(
            "The backward pass stops early, so steps are cheap.",
            "No new modules, nothing to merge.",
        ),
        cons=(
            "Early layers cannot adapt.",
            "How many blocks are enough is a guess.",
        ),
        use_when="The task is a shift in the answer, as in classification, and steps have to be cheap.",
        how_we_run_it=(
            "The other weights are switched off (requires_grad); two blocks to begin with, learning "
            "rate 2e-5."
        ),
    ),
    "lora": Card(
        key="lora",
        title="LoRA",
        what="Each linear layer W gets a small addition (alpha / rank) · B · A; only A and B are trained.",
        pros=(
            "A file of megabytes for each task, swapped in seconds.",
            "No delay once merged into the base.",
            "It keeps more of what the model knew than full fine-tuning does.",
        ),
        cons=(
            "The rank bounds what it can learn.",
            "Unmerged it adds some delay to each answer.",
        ),
        use_when="Nearly always: it is the default for SFT on up to some 100,000 rows.",
        how_we_run_it=(
            "PEFT on all linear layers, the MLP's too: attention alone is worse at the same size. "
            "Rank 16, alpha 32, learning rate 2e-4 (ten times that of full), effective batch below "
            "32."
        ),
    ),
    "qlora": Card(
        key="qlora",
        title="QLoRA",
        what="The base is frozen in 4 bit (nf4); LoRA above it is trained, and all is computed in 16 bit.",
        pros=(
            "The least memory of all that learns well.",
            "A large model on one GPU.",
        ),
        cons=(
            "Slower than LoRA: each weight is unpacked whenever it is used.",
            "Rounding costs a little quality.",
            "Merging into the 16-bit base changes the answers: evaluate again.",
            "Fused experts of mixture models stay in 16 bit, so there it saves next to nothing.",
        ),
        use_when="The model does not fit as LoRA in 16 bit.",
        how_we_run_it=(
            "bitsandbytes nf4 with double quantisation, paged 8-bit AdamW, adapter in float32; rank "
            "16, learning rate 2e-4, gradients clipped at 0.3 to 1."
        ),
    ),
    "adalora": Card(
        key="adalora",
        title="AdaLoRA",
        what="LoRA in the form of a singular value decomposition; the rank moves to layers that need it.",
        pros=("Rank is spent where it matters.",),
        cons=(
            "It needs to know the number of steps.",
            "A further loss term; harder to tune than LoRA.",
        ),
        use_when="Research, or a fixed number of parameters to be spent well.",
        how_we_run_it="PEFT; its budget has to be moved by the trainer at each optimizer step.",
    ),
    "adapter": Card(
        key="adapter",
        title="Bottleneck adapters",
        what=(
            "A small block (down, non-linearity, up) is put after the parts of each layer; only it is"
            " trained."
        ),
        pros=(
            "Modular: one for each task.",
            "Few parameters.",
        ),
        cons=(
            "It always adds delay: it cannot be merged.",
            "Where and how wide is one more choice.",
        ),
        use_when="Several tasks on one base; named LoRA adapters do the same and can be merged.",
        how_we_run_it=(
            "PEFT has none, and the adapters package does not work with current transformers: an own "
            "small module."
        ),
    ),
    "prefix": Card(
        key="prefix",
        title="Prefix tuning",
        what="Learnt keys and values are put before the text in every layer. Vectors, not words.",
        pros=("Tiny; the base stays untouched.",),
        cons=(
            "It takes room in the context.",
            "It cannot be merged.",
            "Sensitive to the learning rate.",
        ),
        use_when="Generation from few examples, with many tasks on one base.",
        how_we_run_it=(
            "PEFT, 20 virtual tokens; gradient checkpointing has to be off, it fails with it. Only "
            "the length is designed, the vectors are learnt."
        ),
    ),
    "prompt": Card(
        key="prompt",
        title="Prompt tuning",
        what="Learnt vectors are put before the embedded text, at the first layer only.",
        pros=(
            "The smallest of all.",
            "Any number of tasks on one base.",
        ),
        cons=(
            "Weak on small models.",
            "Slow to converge, and a step takes hardly less time than LoRA's: it is not the fastest.",
            "It cannot be merged, and the vectors cannot be read as words.",
        ),
        use_when="A quick trial with few examples.",
        how_we_run_it=(
            "PEFT, 8 to 20 virtual tokens, learning rate 1e-2 to 3e-2. It has nothing to do with "
            "writing instructions into a prompt."
        ),
    ),
    "p_tuning": Card(
        key="p_tuning",
        title="P-tuning",
        what="A soft prompt whose vectors come from a small network, which is trained with them.",
        pros=(
            "Steadier than plain prompt tuning.",
            "Small.",
        ),
        cons=(
            "It takes room in the context.",
            "It cannot be merged.",
            "Less capacity than LoRA.",
        ),
        use_when="Classification and extraction with one frozen base.",
        how_we_run_it=(
            'PEFT\'s "p_tuning" is the first version; the second (v2) is prefix tuning without '
            "projection, in every layer."
        ),
    ),
    "ia3": Card(
        key="ia3",
        title="IA3",
        what="Learnt factors scale keys, values and the MLP; nothing else moves.",
        pros=(
            "Extremely small.",
            "It can be merged.",
        ),
        cons=("Little capacity: the loss falls slowly.",),
        use_when="Few examples, and storage for thousands of tasks matters.",
        how_we_run_it="PEFT; a high learning rate (3e-3).",
    ),
}
"""By the kind of method; "qlora" is LoRA on a quantised base."""
