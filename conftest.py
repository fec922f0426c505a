"""Rules of the whole test run: shapes are checked at every call, and nothing is skipped in silence."""

import os
from collections.abc import Iterator

# Matrices here are small: threads of the linear algebra would only fight over the processors that the tests share.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import jaxtyping
import pytest

from tests.checked import remembering

# Must come before the first import of the package, so that every annotated array is checked at run time. The hook
# decorates by this name.
jaxtyping.jaxtyped = remembering(jaxtyping.jaxtyped)
jaxtyping.install_import_hook(["dagames"], "beartype.beartype")

# With so many examples every planted error of `tests/mutation` is noticed; `make explore` tries new ones.
hypothesis.settings.register_profile("quick", max_examples=12, deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", max_examples=100, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore = ["docs/conf.py", "docs/extensions"]
# Sphinx runs these, in an environment of its own (`make docs`).

ALLOWED_SKIPS: frozenset[str] = frozenset()
"""Node ids that may be skipped, each for a reason given where it is skipped."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip that nobody listed into a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.nodeid not in ALLOWED_SKIPS:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and ALLOWED_SKIPS in conftest.py does not list it"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Turn the skip of a whole module into a failure."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped as a whole"
    return report
