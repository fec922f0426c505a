"""The one channel by which this package reports failure."""


class DagamesError(Exception):
    """Base of every error that a user can cause or must know of."""


class DomainError(DagamesError, ValueError):
    """An argument lies outside its domain."""


class ShapeError(DagamesError, ValueError):
    """An argument has a shape that does not fit the others."""


class InfeasibleError(DagamesError):
    """No policy satisfies the constraints."""


class SolveError(DagamesError):
    """A solver stopped before its result could be certified."""


class CertificateError(DagamesError):
    """A bound that must hold was violated by a user's own functional."""
