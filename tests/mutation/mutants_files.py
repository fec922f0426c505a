"""Arrays misread, places misnamed, files trusted or replaced: mistakes in reading games and in showing solutions."""

SUITE = ("tests/unit/test_game_file.py", "tests/unit/test_plot.py")
"""Tests of this room, quick ones first; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames/_yaml.py", "return float(text)\n", "return text\n"),
    ("dagames/_yaml.py", "parent.size += size", "parent.size += 1"),
    ("dagames/_yaml.py", "if event.value in parent.value:", "if False:"),
    ("dagames/_yaml.py", "line {line + 1}, column {column + 1}", "line {line}, column {column}"),
    ("dagames/_tables.py", "place = 0 if column is None else names.index(column)", "place = 0"),
    ("dagames/_tables.py", "table if table.shape[1] > 1 else table[:, 0]", "table"),
    (
        "dagames/_arrays.py",
        "np.load(path, mmap_mode",
        "np.load(path, allow_pickle=True) if 1 else np.load(path, mmap_mode",
    ),
    ("dagames/_arrays.py", "math.prod(shape) * dtype.itemsize, size", "0, size"),
    (
        "dagames/_stated.py",
        "read_array(entry, self.document.path.parent)",
        "read_array(entry, type(self.document.path)())",
    ),
    ("dagames/_stated_functional.py", "return total(*parts)", "return parts[0]"),
    ("dagames/game_file.py", "len({len(row) for row in values}) > 1", "True"),
    ("dagames/_result.py", "return None if isinstance(value, float) and not", "return None if False and not"),
    ("dagames/_result.py", "size <= POLICY_SIZE", "size < POLICY_SIZE"),
    ("dagames/_picture.py", "np.argsort(-largest", "np.argsort(largest"),
    ("dagames/_picture.py", '{"nu_0": nu_0, "nu": nu', '{"nu_0": nu, "nu": nu_0'),
    ("dagames/_plot.py", '"text.parse_math": False', '"text.parse_math": True'),
    ("dagames/_plot.py", 'taken = {} if source is None else {source.resolve(): "the game"}', "taken = {}"),
    ("dagames/_files.py", "if path.exists() and not overwrite:", "if False:"),
)
