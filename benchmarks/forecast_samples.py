"""Sample the embedded model on the demo's questions, many completions at the price of few.

Completions of a prompt share their beginnings, so the number of completions behind each beginning is drawn (a
multinomial draw splits it among the next tokens) and each different beginning is computed once. The counts have the law
of independent completions.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

AT_ONCE = 16
LENGTH = 4
REQUEST_LENGTH = 6


def draw(path: Path, samples: int = 64, seed: int = 1234) -> None:
    """Sample every question of the demo in both wordings, and write the answers read.

    Args:
        path: the file, JSON lines as `dagames-llm forecast` reads them.
        samples: completions of each wording.
        seed: of the samples.
    """
    from dagames._files import write_text
    from dagames_llm import models
    from dagames_llm.data import addition
    from dagames_llm.extract import extractor_named

    task = addition(0)
    read = extractor_named(task.extractor)
    orbits = sorted([*task.train, *task.held_out], key=lambda orbit: orbit.views)
    model, tokenizer = models.load_model("embedded")
    models.stop_at_newline(model, tokenizer)
    model.eval()
    rng = np.random.default_rng(seed)
    views = [view for orbit in orbits for view in orbit.views]
    drawn = drawn_of(model, tokenizer, views, samples, LENGTH, rng)
    rows = []
    for k, orbit in enumerate(orbits):
        answers = []
        for v in range(len(orbit.views)):
            order = rng.permutation(samples)
            tokens = [list(drawn[len(orbit.views) * k + v][j]) for j in order]
            answers.append([read(text) for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)])
        rows.append({"orbit": list(orbit.views), "answers": answers, "answer": orbit.gold})
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def draw_requests(path: Path, samples: int = 64, seed: int = 1234) -> None:
    """Sample every request of the task `requests`, up to the end of a line, and write the completions.

    Args:
        path: the file, with the column `kind`, by which constraints apply.
        samples: completions of each request.
        seed: of the samples.
    """
    from dagames._files import write_text
    from dagames_llm import models
    from dagames_llm.data import requests

    task = requests(0)
    orbits = sorted([*task.train, *task.held_out], key=lambda orbit: orbit.views)
    model, tokenizer = models.load_model("embedded")
    models.stop_at_newline(model, tokenizer)
    model.eval()
    rng = np.random.default_rng(seed)
    drawn = drawn_of(model, tokenizer, [orbit.views[0] for orbit in orbits], samples, REQUEST_LENGTH, rng)
    rows = []
    for k, orbit in enumerate(orbits):
        order = rng.permutation(samples)
        texts = tokenizer.batch_decode([list(drawn[k][j]) for j in order], skip_special_tokens=True)
        rows.append({"orbit": list(orbit.views), **orbit.columns, "completions": [texts]})
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def drawn_of(
    model: Any, tokenizer: Any, views: list[str], samples: int, length: int, rng: np.random.Generator
) -> dict[int, list[tuple[int, ...]]]:
    """Draw completions of prompts of any lengths, those of one length together.

    Args:
        model: the model.
        tokenizer: its own.
        views: the prompts.
        samples: completions of each.
        length: tokens of a completion at most.
        rng: generator.

    Returns:
        The tokens of the completions of each prompt, by its place.
    """
    prompts = [tokenizer(view)["input_ids"] for view in views]
    by_length = defaultdict(list)
    for place, tokens in enumerate(prompts):
        by_length[len(tokens)].append(place)
    drawn: dict[int, list[tuple[int, ...]]] = {}
    for places in by_length.values():
        for start in range(0, len(places), AT_ONCE):
            part = places[start : start + AT_ONCE]
            found = completions(model, [prompts[place] for place in part], samples, length, rng)
            drawn |= dict(zip(part, found, strict=True))
    return drawn


def completions(
    model: Any, prompts: list[list[int]], samples: int, length: int, rng: np.random.Generator
) -> list[list[tuple[int, ...]]]:
    """Draw completions of prompts of one length.

    Args:
        model: the model.
        prompts: token numbers, all lists of one length.
        samples: completions of each.
        length: tokens of a completion at most.
        rng: generator.

    Returns:
        The tokens of the completions of each prompt, equal ones side by side.
    """
    import torch

    ends = set(model.generation_config.eos_token_id)
    done: list[list[tuple[int, ...]]] = [[] for _ in prompts]
    nodes: list[tuple[int, tuple[int, ...], int]] = [(i, (), samples) for i in range(len(prompts))]
    with torch.inference_mode():
        result = model(input_ids=torch.tensor(prompts), use_cache=True)
        for depth in range(length):
            laws = torch.softmax(result.logits[:, -1].double(), -1).numpy()
            longer, parents = [], []
            for j, (i, tokens, number) in enumerate(nodes):
                counts = rng.multinomial(number, laws[j] / laws[j].sum())
                for token in np.flatnonzero(counts).tolist():
                    if token in ends or depth == length - 1:
                        done[i] += [(*tokens, token)] * int(counts[token])
                    else:
                        longer.append((i, (*tokens, token), int(counts[token])))
                        parents.append(j)
            nodes = longer
            if not nodes:
                break
            cache = result.past_key_values
            cache.batch_select_indices(torch.tensor(parents))
            last = torch.tensor([[tokens[-1]] for _, tokens, _ in nodes])
            result = model(input_ids=last, past_key_values=cache, use_cache=True)
    return done
