"""The pages name files, modules, names and links that exist."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("dagames", "dagames_llm", "proofs_check", "figures", "benchmarks", "tests", "examples", "results", "docs")
PACKAGES = FOLDERS[:5]
PLACEHOLDER = re.compile(r"[<>*{}…]|\.\.\.|NAME|RECIPE")
SOURCES = {".py", ".yaml", ".toml", ".sh", ".j2"}
FOREIGN = {"my_functional", "low_var_kl"}
"""Identifiers of the reader's files and of other projects, which occur in no file of this one."""


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def spans(page: Path) -> list[str]:
    """Return the code spans of a page's sentences and tables."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def paths(page: Path) -> list[str]:
    """Return the paths of this repository that a page names."""
    words = (word for span in spans(page) for word in re.split(r"[\s,()=]+", span))
    found = [word for word in words if re.fullmatch(rf"({'|'.join(FOLDERS)})/[^:]*", word)]
    return [word for word in found if not PLACEHOLDER.search(word)]


def dotted_names(page: Path) -> list[str]:
    """Return the modules and names that a page gives in full, or from a subpackage of `dagames` on."""
    rooms = [path.name for path in (ROOT / "dagames").iterdir() if (path / "__init__.py").is_file()]
    starts = "|".join([*PACKAGES, *rooms])
    found = (re.match(rf"(?:{starts})(?:\.[A-Za-z_]\w*)+", span) for span in spans(page))
    names = [match[0] for match in found if match and not re.search(r"\.(py|md|json|yaml)$", match[0])]
    return [name if name.startswith(PACKAGES) else f"dagames.{name}" for name in names]


def imported_names(page: Path) -> Iterator[str]:
    """Yield the names that the blocks of a page import from the packages."""
    text = page.read_text(encoding="utf-8")
    for module, names in re.findall(
        rf"^(?:>>> )?from ((?:{'|'.join(PACKAGES)})[\w.]*) import (.+)$", text, re.MULTILINE
    ):
        for name in names.split("#")[0].strip(" ()").split(","):
            yield f"{module}.{name.split(' as ')[0].strip()}"


@cache
def exists(name: str) -> bool:
    """Return whether a dotted name is a module, or a word of the module that it starts with."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:n])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                return set(parts[n:]) <= set(re.findall(r"\w+", file.read_text(encoding="utf-8")))
    return False


@cache
def words_of_the_sources() -> frozenset[str]:
    """Return every word of the repository's code and settings, and the names of its files."""
    files = [path for folder in FOLDERS[:7] for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES]
    files += [ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".importlinter", ROOT / "conftest.py"]
    texts = [path.read_text(encoding="utf-8") for path in files if path != Path(__file__)]
    return frozenset(word for text in texts for word in re.findall(r"\w+", text)) | {path.stem for path in files}


def test_the_pages_name_much():
    assert sum(len(paths(page)) for page in PAGES) > 40
    assert sum(len(dotted_names(page)) for page in PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    broken = [link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_is_there(page):
    def there(path: str) -> bool:
        return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()

    assert [path for path in paths(page) if not there(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_and_name_is_there(page):
    assert [name for name in (*dotted_names(page), *imported_names(page)) if not exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_identifier_occurs_in_the_code(page):
    named = {word for span in spans(page) if re.fullmatch(r"[\w.]+", span) for word in span.split(".")}
    named = {word for word in named if re.fullmatch(r"[A-Za-z_]\w*_\w+|[A-Z][a-z]+[A-Z]\w*", word)}
    assert sorted(named - words_of_the_sources() - FOREIGN) == []


def test_a_name_that_is_not_there_is_found():
    assert exists("dagames.solvers.path.as_solution")
    assert not exists("dagames.solvers.paths")
    assert not exists("dagames.solvers.path.as_solutions")
