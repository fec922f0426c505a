"""A user's own claim: the documented template, and files that are none."""

import re
from pathlib import Path

import pytest

from dagames import DomainError
from proofs_check.known import TEMPLATE as HINTS
from proofs_check.known import load_user_claims, select_claims
from proofs_check.record import as_json
from proofs_check.run import settle

PAGE = (Path(__file__).parents[2] / "docs" / "claims.md").read_text()
TEMPLATE = re.search(r"## A template.*?```python\n(.*?)```", PAGE, re.DOTALL)[1]


def written(folder, text, name="mine.py"):
    (folder / name).write_text(text)
    return folder / name


def test_the_template_holds_is_tight_and_its_sabotage_turns_it(tmp_path):
    claim = load_user_claims([written(tmp_path, TEMPLATE)])["X.1"]
    result = settle(claim)
    assert result.verdict == claim.expected == "holds", result.error
    assert result.deciding.is_tight
    for planted in ("sabotage", "near_miss"):
        assert settle(claim, planted=planted).verdict == "false"
    assert select_claims([], [tmp_path / "mine.py"])[0].id == "X.1"
    assert [chosen.id for chosen in select_claims(["x.1", "I.5"], [tmp_path / "mine.py"])] == ["X.1", "I.5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "does not define CLAIMS"),
        ("CLAIMS = 'I.5'\n", "is 'I.5', not a tuple of `proofs_check.claim.Claim`"),
        ("CLAIMS = ()\n", "is empty"),
        (
            TEMPLATE.replace('    whose="ours",\n', ""),
            'lacks `whose` of a Claim. The template in docs/claims.md has: whose="ours",',
        ),
        (re.sub(r"    readings=\(\n.*?\n    \),\n", "", TEMPLATE, flags=re.DOTALL), "has: readings=(Reading("),
        (TEMPLATE.replace("            evidence=evidence,\n", ""), "has: evidence=evidence,"),
        (TEMPLATE.replace("            near_miss=near_miss,\n", ""), "has: near_miss=near_miss,"),
        (re.sub("    plain=.*\n", "", TEMPLATE), "has: plain="),
        (
            TEMPLATE.replace('"lower bound",\n    expected="holds"', '"lower bound",\n    expected="false"'),
            "makes 'holds'",
        ),
        (TEMPLATE.replace("CLAIMS = (X1,)", "CLAIMS = (X1, X1)"), "there is a claim X.1 already"),
        ("\n\n1 / 0\n", "line 3, fails: ZeroDivisionError"),
        ("CLAIMS = (\n", "line 1, fails: SyntaxError"),
        ("import no_such_module\n", "line 1, fails: ModuleNotFoundError"),
        (TEMPLATE.replace('id="X.1"', 'id="I.5"'), "there is a claim I.5 already"),
        (TEMPLATE.replace('id="X.1"', 'id="mine"'), "'mine' is not of the form X.1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, words):
    path = written(tmp_path, text)
    with pytest.raises(DomainError, match=re.escape(words)) as raised:
        load_user_claims([path])
    assert str(path) in str(raised.value)


def test_two_files_cannot_share_an_id_and_a_file_must_be_there(tmp_path):
    paths = [written(tmp_path, TEMPLATE, name) for name in ("one.py", "two.py")]
    with pytest.raises(DomainError, match=r"two\.py: there is a claim X\.1 already"):
        load_user_claims(paths)
    for path in (tmp_path / "missing.py", tmp_path, written(tmp_path, TEMPLATE, "claim.txt")):
        with pytest.raises(DomainError, match="Python file"):
            load_user_claims([path])


def test_the_page_lists_every_key_of_the_json_form():
    written_down = as_json([settle(select_claims(["I.5"])[0])], 0)
    claim = written_down["claims"][0]
    keys = [*written_down, *claim, *claim["readings"][0], *claim["readings"][0]["evidence"]]
    assert [key for key in keys if f"`{key}`" not in PAGE] == []


def test_what_a_message_shows_of_the_template_stands_there():
    assert [line for line in HINTS.values() if line.replace(" ", "") not in re.sub(r"\s", "", TEMPLATE)] == []
