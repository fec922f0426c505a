"""A policy that is a table, as a language model: the next token's logits depend on the present token alone.

A Llama without layers whose embedding is the identity: row t of `lm_head.weight` holds the logit of token t after each
token. A prompt is one capital letter, a trace one small letter and the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PADDING, END, UNKNOWN = "<pad>", "<eos>", "<unk>"
TRACES = "abcdefgh"
PROMPTS = "ABCD"
VOCABULARY = [PADDING, END, UNKNOWN, *PROMPTS, *TRACES]
INDEX = {token: i for i, token in enumerate(VOCABULARY)}
NEVER = -40.0


def save_tabular(folder: Path, references: Sequence[np.ndarray]) -> Path:
    """Save the model whose prompt number x has the probabilities `references[x]` of the traces."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = Tokenizer(models.WordLevel(dict(INDEX), unk_token=UNKNOWN))
    letters.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    letters.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, pad_token=PADDING, eos_token=END, unk_token=UNKNOWN)
    size = len(VOCABULARY)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=size,
        intermediate_size=1,
        num_hidden_layers=0,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=2,
        max_position_embeddings=16,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
        tie_word_embeddings=False,
        rms_norm_eps=0.0,
        use_cache=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.model.norm.weight.fill_(size**-0.5)
        model.lm_head.weight.fill_(NEVER)
        for prompt, reference in zip(PROMPTS, references, strict=False):
            for trace, mass in zip(TRACES, reference, strict=False):
                model.lm_head.weight[INDEX[trace], INDEX[prompt]] = float(np.log(mass))
        for trace in TRACES:
            model.lm_head.weight[1, INDEX[trace]] = 0.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def train_tabular(
    trainer: Callable[..., Any],
    folder: Path,
    rows: Sequence[dict[str, Any]],
    args: Any,
    reward: Any,
    callbacks: Sequence[Any] = (),
) -> np.ndarray:
    """Train the table; return the policies after each step, [steps, prompts, traces]."""
    import torch
    from datasets import Dataset
    from transformers import LlamaForCausalLM, TrainerCallback

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = LlamaForCausalLM.from_pretrained(folder)
    for parameter in model.model.parameters():
        parameter.requires_grad_(False)
    path: list[np.ndarray] = []

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            logits = model.lm_head.weight.detach().double()
            table = torch.softmax(logits, dim=0).numpy()
            path.append(table[np.ix_([INDEX[t] for t in TRACES], [INDEX[p] for p in PROMPTS])].T)

    try:
        trainer(
            model,
            reward_funcs=reward,
            args=args,
            train_dataset=Dataset.from_list(list(rows)),
            callbacks=[Watch(), *callbacks],
        ).train()
    finally:
        torch.set_num_threads(threads)
    return np.array(path)
