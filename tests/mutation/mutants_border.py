"""Arrays shared, masks ignored, sums unchecked: each entry is a file, the right text, and the wrong one."""

SUITE = ("tests/unit/test_bad_input.py", "tests/property/test_reference_laws.py", "tests/property/test_border_laws.py")
"""Tests of this room, quick ones first; one of them must notice each error."""

MUTANTS: tuple[tuple[str, str, str], ...] = (
    ("dagames/numerics/arrays.py", "if not fresh and not is_read_only(array):", "if False:"),
    ("dagames/numerics/arrays.py", "if mask.any():", "if False:"),
    ("dagames/_tolerances.py", "min(max(bound, NORMALISATION), 0.1)", "0.5"),
    ("dagames/_tolerances.py", "bound = 2 * rounding.eps", "bound = 0 * rounding.eps"),
    ("dagames/simplex.py", "np.asarray(array / total[..., None]), True", "array, True"),
    ("dagames/simplex.py", "np.asarray(array - np.log(total)[..., None]), True", "array, True"),
    ("dagames/games/reference.py", "self._check_conserved(total)", "pass"),
    ("dagames/games/reference.py", "part -= self.log_total[place // self.n_answers]", "pass"),
    ("dagames/games/reference.py", "ratio -= self.log_total.reshape(*self.batch, 1)", "pass"),
    ("dagames/games/reference.py", "self._check_lifted(total", "(lambda *_: None)(total"),
    ("dagames/games/reference.py", "self.E[traces].astype(np.intp, copy=False)", "self.E[traces]"),
    ("dagames/numerics/integers.py", "if n_prompts * n_answers > CELLS:", "if False:"),
    ("dagames/numerics/integers.py", "np.min_scalar_type(-n_answers)", "np.min_scalar_type(-n_answers // 2)"),
    ("dagames/grpo/environments.py", "as_real(self.reward, ", "(lambda reward, _: reward)(self.reward, "),
    ("dagames/solvers/auto.py", "check_game(game, AlignmentGame)", "pass"),
)
