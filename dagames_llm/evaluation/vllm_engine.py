"""Generation with vLLM: the prompts, lengths and sampling settings of `evaluate.generate`.

Greedy completions equal those of transformers up to rounding; samples have other random numbers. vLLM is optional:
an engine imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagames_llm._errors import ModelError, VersionError
from dagames_llm.data import as_messages
from dagames_llm.evaluation.evaluate import Decoding, Progress
from dagames_llm.evaluation.journal import Batch, Journal
from dagames_llm.models import check_chat, locate_model

AT_ONCE = 512
"""Maximum number of prompts in one call of vLLM, which divides them into batches."""


class VllmEngine:
    """A model in vLLM, with an adapter that can be switched on.

    Attributes:
        tokenizer: The model's, as transformers loads it.
    """

    def __init__(self, name: str, dtype: str, adapter: Path | None, stop_at_newline: bool, chat: bool) -> None:
        """Load a model."""
        place = locate_model(name)
        try:
            import vllm
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            raise VersionError(
                f"--vllm needs the package vllm, which cannot be imported ({error}); pip install vllm on a machine "
                "with a GPU, or omit --vllm."
            ) from error
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(place)
        if chat:
            check_chat(self.tokenizer)
        lora = {} if adapter is None else {"enable_lora": True, "max_lora_rank": _rank(adapter)}
        try:
            self._model = vllm.LLM(model=place, dtype=dtype, **lora)
        except (ValueError, RuntimeError, OSError) as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise ModelError(f"vLLM cannot load the model {name!r}: {reason}") from error
        self._adapter = None if adapter is None else LoRARequest("adapter", 1, str(adapter.resolve()))
        self._parameters = vllm.SamplingParams
        newline = self.tokenizer.encode("\n", add_special_tokens=False)
        if stop_at_newline and len(newline) != 1:
            raise ModelError("`stop_at_newline` needs a tokenizer that writes a newline as one token.")
        self._stop = newline if stop_at_newline else []

    def draw(
        self,
        prompts: Sequence[str],
        decoding: Decoding,
        sampled: bool,
        progress: Progress | None = None,
        journal: Journal | None = None,
        *,
        adapted: bool = False,
    ) -> list[list[str]]:
        """Complete each prompt, with the adapter if `adapted`; other arguments and result as of `evaluate.generate`."""
        adapter = self._adapter if adapted else None
        texts: list[list[str]] = []
        for start in range(0, len(prompts), AT_ONCE):
            places = list(range(start, min(start + AT_ONCE, len(prompts))))
            completed = None if journal is None else journal.find(sampled, places)
            if completed is None:
                inputs = [{"prompt_token_ids": self._tokens(prompts[i], decoding.chat)} for i in places]
                # One seed per prompt, so that completions do not depend on the other prompts of a batch.
                parameters = [self._settings(decoding, sampled, decoding.seed + i) for i in places]
                outputs = self._model.generate(inputs, parameters, lora_request=adapter, use_tqdm=False)
                completed = Batch([[self._text(one.token_ids) for one in output.outputs] for output in outputs])
                if journal is not None:
                    journal.add(sampled, places, completed)
            texts += [list(completions) for completions in completed.texts]
            if progress is not None:
                progress(len(texts), len(prompts))
        return texts

    def _text(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def _settings(self, decoding: Decoding, sampled: bool, seed: int) -> Any:
        common: dict[str, Any] = {
            "max_tokens": decoding.max_new_tokens,
            "repetition_penalty": decoding.repetition_penalty,
            "stop_token_ids": self._stop,
        }
        if sampled:
            common |= {
                "n": decoding.samples,
                "temperature": decoding.temperature,
                "top_p": decoding.top_p,
                "top_k": decoding.top_k,
                "min_p": decoding.min_p or 0.0,
                "seed": seed,
            }
        else:
            common |= {"n": 1, "temperature": 0.0}
        try:
            return self._parameters(**{**common, **(decoding.generation_kwargs or {})})
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"vLLM does not take these settings: {error}. `generation_kwargs` of the recipe is "
                f"{decoding.generation_kwargs!r:.200}; leave --vllm out if they are those of transformers."
            ) from error

    def _tokens(self, prompt: str, chat: bool) -> list[int]:
        if not chat:
            return list(self.tokenizer(prompt)["input_ids"])
        rendered = self.tokenizer.apply_chat_template(
            as_messages(prompt), add_generation_prompt=True, tokenize=True, return_dict=True
        )
        return list(rendered["input_ids"])


def _rank(adapter: Path) -> int:
    """Return the rank of an adapter, rounded up to a rank that vLLM supports."""
    import json

    rank = int(json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get("r", 16))
    return next((known for known in (8, 16, 32, 64, 128, 256, 320, 512) if known >= rank), rank)
