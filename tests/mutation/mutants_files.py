"""Arrays misread, places misnamed, files trusted or replaced: mistakes in reading games and in showing solutions."""

SUITE = ("tests/unit/test_game_file.py", "tests/unit/test_plot.py")
"""Tests of this room, quick ones first; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames/cli/yaml_files.py", "return float(text)\n", "return text\n"),
    ("dagames/cli/yaml_files.py", "size += entries", "size += 1"),
    ("dagames/cli/yaml_files.py", "if event.value in value:", "if False:"),
    ("dagames/cli/yaml_files.py", "line {line + 1}, column {column + 1}", "line {line}, column {column}"),
    ("dagames/cli/csv_files.py", "return 0 if column is None else names.index(column)", "return 0"),
    ("dagames/cli/csv_files.py", "table if table.shape[1] > 1 else table[:, 0]", "table"),
    (
        "dagames/cli/array_files.py",
        "np.load(path, mmap_mode",
        "np.load(path, allow_pickle=True) if 1 else np.load(path, mmap_mode",
    ),
    ("dagames/cli/array_files.py", "math.prod(shape) * dtype.itemsize, size", "0, size"),
    (
        "dagames/cli/entries.py",
        "read_array(entry, self._document.path.parent)",
        "read_array(entry, type(self._document.path)())",
    ),
    ("dagames/cli/functional_entries.py", "return total(*parts)", "return parts[0]"),
    ("dagames/cli/game_file.py", "len({len(row) for row in values}) > 1", "True"),
    ("dagames/cli/result.py", "return None if isinstance(value, float) and not", "return None if False and not"),
    ("dagames/cli/result.py", "size <= POLICY_SIZE", "size < POLICY_SIZE"),
    ("dagames/pictures/solution.py", "np.argsort(-largest", "np.argsort(largest"),
    ("dagames/pictures/solution.py", '{"nu_0": nu_0, "nu": nu', '{"nu_0": nu, "nu": nu_0'),
    ("dagames/pictures/panels.py", '"text.parse_math": False', '"text.parse_math": True'),
    ("dagames/pictures/panels.py", 'taken = {} if source is None else {source.resolve(): "the game"}', "taken = {}"),
    ("dagames/_files.py", "if path.exists() and not overwrite:", "if False:"),
    ("dagames/_files.py", "if path.parent.is_dir():", "if True:"),
    ("dagames/_choices.py", "{name.casefold(): name for name in known}", "{name: name for name in known}"),
    ("dagames/_choices.py", "not {given}.{hint}", "not {given}."),
    ("dagames/cli/yaml_files.py", "elif depth >= _DEPTH:", "elif False:"),
    ("dagames/cli/csv_files.py", "rows = itertools.chain([(line, first)], rows)", "rows = iter(rows)"),
)
