"""Where no terms are known, nothing runs: neither new, nor more."""

from collections.abc import Iterator

import pytest

from api.admission_terms.states import md
from api.admission_terms.world import PLACE, World
from enclave.controlplane import ControlPlane
from enclave.waiting import until


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployment from before, the policies, and not one agreement, supplier or index."""
    with ControlPlane(tmp_path_factory.mktemp("bare-plane")) as plane:
        world = World(plane)
        world.install()
        world.deploy("plain", md(replicas=2))
        world.enforce()
        until(lambda: world.refusal("new", md()) != "", 30, "the policies never held")
        yield world


def test_a_deployment_without_terms_is_refused(bare: World) -> None:
    assert "no params found" in bare.refusal("new", md())
    assert "no params found" in bare.refusal("plain", md(replicas=3), "plain")


def test_even_a_change_that_asks_for_less_waits_until_terms_are_known(bare: World) -> None:
    # The API server looks for parameters before it looks at match conditions.
    assert "no params found" in bare.refusal("plain", md(replicas=1), "plain")


def test_scaling_down_and_deleting_need_no_terms(bare: World) -> None:
    assert bare.scaled("plain", 1) == ""
    where = f"/apis/casemate.dev/v1alpha1/namespaces/{PLACE}/modeldeployments/plain"
    assert bare.attempt("DELETE", where) == ""
