"""Data sets whose row is an orbit: one question in one or several wordings that share their answer.

A row of the training data contains the orbit and the columns of the constraints' selectors. Gold answers are in
`Orbit.gold`, which evaluation and monitors look up by the orbit's first wording; rows contain them only for a control
that rewards them.
"""

from dagames_llm.data.forms import FORMS, REPHRASINGS, Form, frames_of
from dagames_llm.data.load import load_orbits
from dagames_llm.data.orbit import (
    Orbit,
    View,
    as_messages,
    canonical_letter,
    check_form,
    gold_answers,
    training_rows,
    view_text,
    with_system,
)
from dagames_llm.data.sets import SETS, DataSet
from dagames_llm.data.source import Source, source_of
from dagames_llm.data.tasks import TASKS, Task, addition, capitals, digits, requests, task_named

__all__ = [
    "FORMS",
    "REPHRASINGS",
    "SETS",
    "TASKS",
    "DataSet",
    "Form",
    "Orbit",
    "Source",
    "Task",
    "View",
    "addition",
    "as_messages",
    "canonical_letter",
    "capitals",
    "check_form",
    "digits",
    "frames_of",
    "gold_answers",
    "load_orbits",
    "requests",
    "source_of",
    "task_named",
    "training_rows",
    "view_text",
    "with_system",
]
