"""A claim of one's own: the template of the docs runs as it stands, and mistakes in a file are explained."""

import re
from pathlib import Path

import numpy as np
import pytest

from dagames import DomainError
from proofs_check import claims
from proofs_check.functional import load_functional
from proofs_check.registry import load_claim_file, load_claims, sort_key
from proofs_check.settle import settle, survives_sabotage

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "claims.md").read_text(), re.DOTALL)


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "my_claim.py"
    path.write_text(BLOCKS[0])
    return path


def test_the_template_is_a_claim_that_holds_and_touches_its_bound(template):
    claim = load_claim_file(template)
    result = settle(claim)
    assert (claim.id, result.as_written, result.error) == ("X.1", "holds", "")
    assert result.comparisons == 3 * (2 * 20 + 1)
    assert result.is_tight
    assert settle(claim).shown == result.shown


def test_the_template_notices_its_sabotage(template):
    claim = load_claim_file(template)
    assert settle(claim, 0, claim.sabotage).as_written == "false"
    assert not survives_sabotage(claim)


def test_the_functional_of_the_docs_is_loaded(tmp_path):
    path = tmp_path / "my_functional.py"
    path.write_text(BLOCKS[1])
    assert load_functional(path).value(np.array([0.5, 0.5])) == 0.125
    assert len(BLOCKS) == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id="X.1"', 'id="mine"', r"claim id 'mine' is not of the form.*Call your own X\.1"),
        ('id="X.1"', 'id="I.5"', r"the id I\.5 is taken by our claim 'Approximate equilibrium"),
        ("CLAIM = Claim(", "CLAIM = dict(", r"CLAIM of .*my_claim\.py is \{.*not a `proofs_check\.claim\.Claim`"),
        ("CLAIM = ", "MINE = ", r"does not define CLAIM"),
        ('    source="ours",\n', "", r"line \d+, fails: TypeError: .*'source'"),
        ("from proofs_check import oracles", "from proofs_check import oracle", r"line 8, fails: ImportError"),
    ],
)
def test_a_file_that_gives_no_claim_is_explained(template, old, new, says):
    text = template.read_text()
    assert old in text
    template.write_text(text.replace(old, new))
    with pytest.raises(DomainError, match=re.compile(says, re.DOTALL)):
        load_claim_file(template)


def test_no_file_is_explained(tmp_path):
    with pytest.raises(DomainError, match=r"there is no file .*none\.py"):
        load_claim_file(tmp_path / "none.py")


def test_a_file_of_ours_keeps_its_id():
    path = Path(claims.__path__[0]) / "i05_approximate_equilibrium.py"
    assert load_claim_file(path).id == "I.5"
    assert settle(load_claim_file(path)).shown == settle(load_claims()["I.5"]).shown


def test_ids_of_users_come_last():
    assert sorted(["X.2", "II.1", "X.1a", "X.1", "B.3"], key=sort_key) == ["B.3", "II.1", "X.1", "X.1a", "X.2"]
