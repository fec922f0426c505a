"""Complete prompts by a model, greedily or by samples, outside of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagames_llm.data import as_messages

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Progress = Callable[[int, int], None]
"""Told how many prompts of how many are done."""


@dataclass(frozen=True)
class Decoding:
    """How completions are drawn.

    Attributes:
        samples: sampled completions of each view, beside one greedy.
        temperature: of the sampled ones.
        max_new_tokens: length bound.
        batch_size: prompts times samples generated at once.
        seed: of the samples.
        chat: render prompts by the chat template.
    """

    samples: int = 8
    temperature: float = 1.0
    max_new_tokens: int = 4
    batch_size: int = 64
    seed: int = 0
    chat: bool = False


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    decoding: Decoding,
    sampled: bool,
    progress: Progress | None = None,
) -> list[list[str]]:
    """Complete each prompt, once greedily or `decoding.samples` times.

    Args:
        model: in any mode; it is put in evaluation mode and back.
        tokenizer: its own.
        prompts: plain text, rendered by the chat template where `decoding.chat`.
        decoding: how.
        sampled: draw samples instead of the greedy completion.
        progress: told how many prompts of how many are done.

    Returns:
        The texts behind each prompt. The state of torch's random numbers is left as it was.
    """
    import torch

    width = decoding.samples if sampled else 1
    # A model's own generation settings may hold others: what is measured is what training samples from.
    chosen: dict[str, Any] = {"temperature": decoding.temperature, "top_k": 0, "top_p": 1.0} if sampled else {}
    at_once = max(1, decoding.batch_size // width)
    # Prompts of like length share a batch, so that little of it is padding; the order is undone at the end.
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    texts: list[list[str]] = [[] for _ in prompts]
    training = model.training
    model.eval()
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(decoding.seed)
        for start in range(0, len(order), at_once):
            batch = order[start : start + at_once]
            inputs = _tokens(tokenizer, [prompts[i] for i in batch], decoding.chat).to(model.device)
            tokens = model.generate(
                **inputs,
                do_sample=sampled,
                num_return_sequences=width,
                max_new_tokens=decoding.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                repetition_penalty=1.0,
                **chosen,
            )
            new = tokenizer.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            for place, i in enumerate(batch):
                texts[i] = new[place * width : (place + 1) * width]
            if progress is not None:
                progress(min(start + at_once, len(order)), len(order))
    model.train(training)
    return texts


def _tokens(tokenizer: PreTrainedTokenizerBase, prompts: list[str], chat: bool) -> Any:
    if not chat:
        return tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    return tokenizer.apply_chat_template(
        [as_messages(prompt) for prompt in prompts],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        padding=True,
    )
