"""The requirements of each method on a functional, and an error that names the suitable methods."""

from dagames._errors import SolveError
from dagames.functionals import Functional
from dagames.solvers.closed_form import has_closed_form

WITH_CONSTRAINTS = ("auto", "newton", "cutting_planes", "mirror_descent", "conic")
"""Methods that find the multipliers of linear constraints."""


def obstacle(functional: Functional, method: str) -> str | None:
    """Return the requirement of a method that a functional does not meet.

    Args:
        functional: The functional R.
        method: One of `METHODS`.

    Returns:
        A sentence, or None if the method suits the functional.

    >>> from dagames.functionals import Gini
    >>> obstacle(Gini(), "closed_form"), obstacle(Gini(), "newton")
    ('Gini has no closed form here.', None)
    """
    limits, rest = functional.constraint_set(), functional.without_constraints()
    smooth = rest is None or rest.as_smooth() is not None
    if limits is not None and (method not in WITH_CONSTRAINTS or (method == "cutting_planes" and smooth)):
        return (
            f"{method} does not support the constraints of a {limits.name}: the gradient of the functional does "
            "not contain their multipliers."
        )
    if method == "closed_form" and not has_closed_form(functional):
        return f"{functional.name} has no closed form here."
    if method == "newton" and rest is not None and not smooth:
        return f"{rest.name}{'' if limits is None else f', beside a {limits.name},'} has no Hessian."
    if method == "conic" and not functional.has_conic_form:
        name = next(part.name for part in functional.terms() if not part.has_conic_form)
        return f"{name} has no conic form; implement its method `conic_form`."
    return None


def check_suited(functional: Functional, method: str) -> None:
    """Raise if a functional does not meet the requirements of a method.

    Args:
        functional: The functional R.
        method: One of `METHODS`.

    Raises:
        SolveError: With the obstacle, and methods that suit the functional.
    """
    if (fault := obstacle(functional, method)) is not None:
        raise SolveError(f"{fault} {remedy(functional)}")


def remedy(functional: Functional) -> str:
    """Name the methods of `solve` that suit a functional.

    Args:
        functional: The functional R.

    Returns:
        A sentence.

    >>> from dagames.functionals import Gini
    >>> remedy(Gini())
    'Use "auto" or "newton" of `solve(game)`.'
    """
    direct = [f'"{method}"' for method in ("auto", "newton") if obstacle(functional, method) is None]
    return f"Use {' or '.join(direct)} of `solve(game)`."
