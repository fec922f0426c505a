"""Errors a user can cause, each one message without a traceback and exit code 2."""

from dagames._errors import DagamesError


class RecipeError(DagamesError):
    """A recipe that is missing, is not a YAML mapping, or holds a key or value that cannot be used."""


class DataError(DagamesError):
    """A data file that is missing, empty, or holds a row that cannot be read."""


class ModelError(DagamesError):
    """A model or an adapter that cannot be loaded."""


class OutputError(DagamesError):
    """An output that exists already, or that is being written by an unfinished run."""


class GroupError(DagamesError):
    """Completions that cannot be put into groups, or would be put into wrong ones."""


class ExtractError(DagamesError):
    """A user's extractor that failed on a completion."""


class VersionError(DagamesError):
    """An installed package that is too old."""


class DivergedError(DagamesError, ArithmeticError):
    """A run whose loss or whose model's probabilities are no longer finite."""


class DistanceError(DagamesError, ValueError):
    """A distance that is not a number from 0 to 1, not symmetric, or not 0 from a completion to itself."""


class CostError(DagamesError, ValueError):
    """A cost that raised an exception, or did not return one finite number for each completion."""


class ConstraintError(DagamesError, ValueError):
    """A constraint of Safety-GRPO, or its saved multipliers, that cannot be used."""
