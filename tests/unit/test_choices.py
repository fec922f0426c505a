"""Arguments that are one of a few words: the message lists the words and suggests the nearest."""

import jaxtyping
import numpy as np
import pytest

from dagames import AlignmentGame, DomainError
from dagames.functionals import Gini
from dagames.grpo import expected_update, group_advantages, mean_field_path
from dagames.grpo.learners.dpo import Dpo
from dagames.grpo.learners.grpo import Grpo
from dagames.orbits import direct_projection
from dagames.solvers.no_regret import no_regret_path
from dagames.targets import Centrality, Clustered, ConsensusVote, CrossedVote, MajorityVote, SoftConsensus


@pytest.fixture(autouse=True)
def _no_type_checks():
    """Switch the run-time type checker off, as it is for users."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


GAME = AlignmentGame([0.5, 0.5], [0, 1], Gini(1.0), beta=1.0)
HALVES = np.array([0.5, 0.5])
RULES = "center, standardise, leave-one-out, decoupled, none"

WRONG = {
    "MajorityVote": (lambda: MajorityVote("splt"), "`ties` must be one of split, first, none, not 'splt'", "split"),
    "ConsensusVote": (lambda: ConsensusVote(ties="frst"), "`ties` must be one of split, first, none", "first"),
    "CrossedVote": (lambda: CrossedVote("non"), "`ties` must be one of split, first, none, not 'non'", "none"),
    "by": (lambda: ConsensusVote(by="views"), "`by` must be one of view, trace, not 'views'", "view"),
    "by of Centrality": (lambda: Centrality(by="traces"), "`by` must be one of view, trace", "trace"),
    "by of SoftConsensus": (lambda: SoftConsensus(by="Trace"), "`by` must be one of view, trace", "trace"),
    "mean": (
        lambda: ConsensusVote(mean="geometrical"),
        "`mean` must be one of arithmetic, geometric, harmonic, or a power, not 'geometrical'",
        "geometric",
    ),
    "across": (lambda: Centrality(across="other-views"), "`across` must be one of all, other_views", "other_views"),
    "linkage": (
        lambda: Clustered(MajorityVote(), linkage="transitiv"),
        "`linkage` must be one of transitive, first, not 'transitiv'",
        "transitive",
    ),
    "advantages": (
        lambda: group_advantages([1.0, 0.0], "centre"),
        "`normalise` must be one of center, standardise, standardise-batch, leave-one-out, none, not 'centre'",
        "center",
    ),
    "rule": (
        lambda: expected_update(HALVES, HALVES, 2, "decouple"),
        f"`normalise` must be one of {RULES}, not 'decouple'",
        "decoupled",
    ),
    "route": (
        lambda: expected_update(HALVES, HALVES, 2, route="moment"),
        "`route` must be one of auto, enumeration, moments, not 'moment'",
        "moments",
    ),
    "geometry": (
        lambda: next(mean_field_path(HALVES, HALVES, group_size=2, learning_rate=1.0, geometry="logit")),
        "`geometry` must be one of logits, natural, not 'logit'",
        "logits",
    ),
    "labels": (lambda: Dpo(0.1, "order"), "`labels` must be one of bradley-terry, ordered, not 'order'", "ordered"),
    "learner": (lambda: Grpo(0.1, "standardize"), "`normalise` must be one of center, standardise", "standardise"),
    "divergence": (
        lambda: direct_projection([HALVES, HALVES], [0, 1], divergence="euclid"),
        "`divergence` must be one of kl, euclidean, not 'euclid'",
        "euclidean",
    ),
    "no-regret": (
        lambda: next(no_regret_path(GAME, "optimist")),
        "`policy` must be one of best_response, mw, ftrl, optimistic, not 'optimist'",
        "optimistic",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_word_is_refused_with_the_list_and_the_nearest(name):
    make, message, nearest = WRONG[name]
    with pytest.raises(DomainError) as refused:
        make()
    assert message in str(refused.value)
    assert str(refused.value).endswith(f" Did you mean {nearest}?")


def test_what_is_no_word_is_refused_without_a_suggestion():
    with pytest.raises(DomainError, match=r"`ties` must be one of split, first, none, not \['split'\]\.$"):
        MajorityVote(["split"])


def test_a_long_value_is_shortened_and_on_one_line():
    with pytest.raises(DomainError) as refused:
        MajorityVote(np.zeros((40, 40)))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 150
