"""Checks of runs that are dropped: folders, recipes, selectors, slime; a file, the right text, the wrong one."""

SUITE = (
    "dagames_llm/selectors.py",
    "tests/llm/test_misuse.py",
    "tests/llm/test_recipe.py",
    "tests/llm/test_resume.py",
    "tests/llm/test_selectors.py",
    "tests/llm/test_slime.py",
    "tests/llm/test_target_checks.py",
)
"""Tests of this room; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames_llm/config/recipe.py", "{**content, **keys}", "{**keys, **content}"),
    ("dagames_llm/selectors.py", "not isinstance(allowed, str | bytes | Mapping)", "True"),
    ("dagames_llm/selectors.py", "if len(values) > _LISTED else", "if len(values) >= _LISTED else"),
    ("dagames_llm/selectors.py", "                if column in row:", "                if True:"),
    (
        "dagames_llm/slime.py",
        'without_answer = status in {"aborted", "failed"}',
        'without_answer = status in {"failed"}',
    ),
    ("dagames_llm/slime.py", 'status == "truncated" and abstain', 'status == "truncated"'),
    ("dagames_llm/slime.py", 'and "view" not in metadata', ""),
    ("dagames_llm/slime.py", 'if baseline == "decoupled":', "if False:"),
    ("dagames_llm/slime.py", "if len(indices) > 1:", "if len(indices) > 2:"),
    ("dagames_llm/slime.py", "% size, len(views), size, turn", "% size, len(views), size, 0"),
    ("dagames_llm/slime.py", '**(sample.metadata or {}), "raw_reward"', '"raw_reward"'),
    ("dagames_llm/slime.py", "_check_group(samples)\n", "pass\n"),
    (
        "dagames_llm/slime.py",
        'without_answer = status in {"aborted", "failed"}',
        'without_answer = status in {"aborted"}',
    ),
    ("dagames_llm/target_checks.py", "if name not in known:", "if False:"),
    ("dagames_llm/target_checks.py", "if size != group_size:", "if size < group_size:"),
    ("dagames_llm/target_checks.py", "if not isinstance(target, Target):", "if False:"),
    ("dagames_llm/target_checks.py", "yield from parts_of(part)", "yield part"),
    (
        "dagames_llm/training/run_folder.py",
        "if before.processes != now.processes:",
        "if before.processes > now.processes:",
    ),
    ("dagames_llm/training/run_folder.py", '        digest.update(b"--\\n")', "        pass"),
    ("dagames_llm/training/run_folder.py", "if resume and not work.is_dir():", "if False:"),
    ("dagames_llm/training/run_folder.py", "and not _is_listed(name, FREE)", ""),
    ("dagames_llm/training/run_folder.py", "_is_listed(name, KEPT)", "False"),
    ("dagames_llm/training/run_folder.py", "orbit.gold, orbit.aliases,", "orbit.gold,"),
    ("dagames_llm/training/run_folder.py", "(*before.changes, *differences)", "tuple(differences)"),
    (
        "dagames_llm/training/run_folder.py",
        "if work.exists() and not (resume or overwrite):",
        "if work.exists() and not overwrite:",
    ),
    ("dagames_llm/training/run_folder.py", "if output.exists() and not overwrite:", "if False:"),
    ("dagames_llm/training/run_folder.py", "not all((output / name).is_file()", "not any((output / name).is_file()"),
    ("dagames_llm/training/run_folder.py", "name.startswith(other)", "False"),
)
