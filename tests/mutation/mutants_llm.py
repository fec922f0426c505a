"""Wrong signs and dropped factors in the adapter: each entry is a file, the right text, and the wrong one."""

SUITE = (
    "tests/llm/test_grouping.py",
    "tests/llm/test_rewards.py",
    "tests/llm/test_orbits.py",
    "tests/llm/test_multipliers.py",
    "tests/llm/test_data.py",
    "tests/llm/test_evaluate.py",
    "tests/llm/test_exchange.py",
    "tests/llm/test_stock_trainers.py",
    "tests/llm/test_trainer.py",
)
"""Tests of this room, quick ones first; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames_llm/grouping.py", "if len(traces) % group_size:", "if False:"),
    ("dagames_llm/grouping.py", "range(start, start + group_size)", "range(start, start + group_size - 1)"),
    ("dagames_llm/grouping.py", "traces[i].question != traces[group.start].question", "False"),
    ("dagames_llm/grouping.py", "if trace.orbit_id is None:", "if False:"),
    ("dagames_llm/grouping.py", "shares[: PartialState().process_index]", "shares[:0]"),
    ("dagames_llm/grouping.py", "if PartialState().num_processes > 1:", "if False:"),
    ("dagames_llm/grouping.py", "else trace.view for trace", "else 0 for trace"),
    ("dagames_llm/grouping.py", "f\"{m.get('role')}:{_content(m)}\"", "_content(m)"),
    ("dagames_llm/baselines.py", "centred * sizes / np.maximum(sizes - 1, 1)", "centred"),
    ("dagames_llm/baselines.py", "group.without(i)", "group"),
    ("dagames_llm/baselines.py", "np.where(sizes > 1, rewards - others, 0.0)", "rewards - others"),
    ("dagames_llm/baselines.py", 'if baseline == "group" and over == "orbit":', 'if baseline == "group":'),
    ("dagames_llm/settings.py", "if not training:", "if training:"),
    ("dagames_llm/settings.py", "elif group_size is not None and group_size != found:", "elif False:"),
    ("dagames_llm/rewards.py", 'self.truncated == "follow" and settings.masks_truncated', 'self.truncated == "follow"'),
    ("dagames_llm/rewards.py", "ids[-1] not in ends", "ids[-1] in ends"),
    ("dagames_llm/rewards.py", "None if cut[i] and abstain else", "None if abstain else"),
    ("dagames_llm/orbits.py", "(place + first) % n_views", "place % n_views"),
    ("dagames_llm/orbits.py", "epoch + turn_of(views)", "epoch"),
    ("dagames_llm/orbits.py", "place % group_size, len(views)", "place, len(views)"),
    ("dagames_llm/trainer.py", "self.accelerator.process_index * len(inputs)", "0"),
    ("dagames_llm/trainer.py", "(total - rewards) / max(group_size - 1, 1)", "total / group_size"),
    ("dagames_llm/trainer.py", 'bound.arguments["num_generations"] = 1', "pass"),
    ("dagames_llm/grouping.py", "self.start <= place < self.stop", "self.start < place <= self.stop"),
    ("dagames_llm/grouping.py", 'key.update(len(content).to_bytes(8, "big") + content)', "key.update(content)"),
    ("dagames_llm/grouping.py", "_content(prompt[-1]) if prompt", "_content(prompt[0]) if prompt"),
    ("dagames_llm/baselines.py", "/ np.bincount(sets))[sets]", "/ len(group))[sets]"),
    (
        "dagames_llm/orbits.py",
        'int.from_bytes(hashlib.blake2b(written, digest_size=4).digest(), "big")',
        "hash(written)",
    ),
)
