"""Compute the points of `dagames pareto` in turn, with progress; a failure or Ctrl-C leaves earlier points in place."""

from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dagames._errors import CertificateError, SolveError
from dagames.estimators.estimand import Estimand
from dagames.estimators.frontier import first_point, frontier_budgets
from dagames.estimators.frontier_point import FrontierPoint, frontier_point
from dagames.estimators.program import Objective
from dagames.estimators.reward_table import CountsKind
from dagames.pictures.frontier import Frontiers


class Trace:
    """The frontiers of one group size, as far as they are computed.

    Attributes:
        frontiers: The points of each objective.
        failures: A line with the reason for each point that was not found.
        interrupted: Whether Ctrl-C ended the computation.
    """

    def __init__(self, K: int, reward: Estimand, counts: CountsKind) -> None:
        """Set the arguments that all points share."""
        self._K, self._reward, self._counts = K, reward, counts
        self.frontiers: Frontiers = {}
        self.failures: list[str] = []
        self.interrupted = False

    def run(
        self, objectives: list[Objective], points: int, least: float | None, largest: float, console: Console
    ) -> None:
        """Compute the points of each objective; a failure or Ctrl-C leaves earlier points in `frontiers`."""
        frontier_budgets(points, 1.0 if least is None else least, largest)
        try:
            with _Progress(console, points * len(objectives), self._K) as progress:
                for what in objectives:
                    self._trace(what, points, least, largest, progress)
        except KeyboardInterrupt:
            self.interrupted = True

    def _trace(self, what: Objective, points: int, least: float | None, largest: float, progress: "_Progress") -> None:
        number = 0
        if least is None:
            progress.begin(what, "the smallest budget possible in float64")
            try:
                least, point = first_point(self._K, self._reward, self._counts, what, largest)
            except SolveError as error:
                self._fail(f"{what}: {error}", progress)
                return
            if least > 1:
                progress.print_line(
                    f"{what}: float64 represents no table of a smaller budget; the frontier begins at --least {least:g}"
                )
            self._add(what, least, point, progress)
            number = 1
        for budget in frontier_budgets(points, least, largest)[number:]:
            progress.begin(what, f"{budget:.4g} optima")
            try:
                point = frontier_point(self._K, budget, "optimum", self._reward, self._counts, what)
            except (SolveError, CertificateError) as error:
                self._fail(f"{what} at {budget:.6g} optima: {error}", progress)
            else:
                self._add(what, budget, point, progress)

    def _add(self, what: Objective, budget: float, point: FrontierPoint, progress: "_Progress") -> None:
        # Stored before it is shown, so that Ctrl-C cannot lose a point that was shown.
        self.frontiers.setdefault(what, []).append(point)
        progress.end(what, budget, point.gap)

    def _fail(self, line: str, progress: "_Progress") -> None:
        self.failures.append(line)
        progress.end_without(line)


class _Progress:
    """A progress bar on a terminal; elsewhere a line for each point."""

    def __init__(self, console: Console, number: int, K: int) -> None:
        self._console, self._number, self._done, self._start = console, number, 0, perf_counter()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(f"frontiers of {K} traces", total=number)

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, what: str, budget: str) -> None:
        self._bar.update(self._task, description=f"{what}, {budget}", refresh=True)

    def end(self, what: str, budget: float, gap: float) -> None:
        self._advance(f"{what} at {budget:.4g} optima, gap {gap:.1e}")

    def end_without(self, line: str) -> None:
        self._advance(f"failed: {line}")

    def print_line(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _advance(self, line: str) -> None:
        self._done += 1
        self._bar.advance(self._task)
        elapsed = perf_counter() - self._start
        rest = elapsed / self._done * (self._number - self._done)
        if not self._console.is_terminal:
            self.print_line(f"{self._done}/{self._number} {line}; {elapsed:.1f} s, about {rest:.0f} s to go")
