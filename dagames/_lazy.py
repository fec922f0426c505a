"""Exports of a package that are imported at their first use (PEP 562)."""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def lazy_exports(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package whose exports are imported at the first access.

    `homes` maps each submodule, relative to the package, to its exported names. Submodules are imported at the first
    access too. Type checkers read the same names from imports under `TYPE_CHECKING`.

    >>> import dagames
    >>> dagames.Certificate.__module__, "Certificate" in dir(dagames)
    ('dagames.games.certificate', True)
    """
    home_of = {name: f"{package}.{home}" for home, names in homes.items() for name in names}

    def find(name: str) -> Any:
        module = sys.modules[package]
        if name in home_of:
            value = getattr(import_module(home_of[name]), name)
            setattr(module, name, value)
            return value
        if not name.startswith("_"):
            try:
                return import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=module)

    class Package(ModuleType):
        """A package whose exports are not overwritten by the import of a submodule of the same name."""

        def __setattr__(self, name: str, value: Any) -> None:
            same = isinstance(value, ModuleType) and home_of.get(name) == value.__name__
            super().__setattr__(name, getattr(value, name) if same else value)

    sys.modules[package].__class__ = Package

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return find, names
