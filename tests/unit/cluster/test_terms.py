"""What is remembered of agreements, suppliers and ties, and who must be told."""

from typing import Any

from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.terms import TermsStore
from support.terms import agreement, supplier
from unit.api.cases import SPEC, changed

KEY = Key("models", "m")
HARBOUR = TermsKey("UsageAgreement", "harbour")
LAB = TermsKey("Supplier", "open-lab")


def numbered(body: dict[str, Any], version: int = 1) -> dict[str, Any]:
    meta = {"resourceVersion": str(version), "generation": version, "uid": "u"}
    return {**body, "metadata": {**body["metadata"], **meta}}


def deployment(spec: Any = SPEC, uid: str = "u", generation: int = 1) -> dict[str, Any]:
    meta = {"uid": uid, "generation": generation, "creationTimestamp": "2026-02-01T00:00:00Z"}
    return {"metadata": meta, "spec": spec}


def filled() -> TermsStore:
    store = TermsStore()
    store.put("UsageAgreement", numbered(agreement(capacity={"maxReplicas": 3})))
    store.put("Supplier", numbered(supplier()))
    return store


def test_an_older_version_is_no_news() -> None:
    store = filled()
    assert store.put("Supplier", numbered(supplier(), 1)) is None
    assert store.put("Supplier", numbered(supplier(), 2)) == LAB


def test_a_deployment_touches_its_agreement_and_suppliers_once_a_generation() -> None:
    store = filled()
    assert store.tie(KEY, deployment()) == {HARBOUR, LAB}
    assert store.tie(KEY, deployment()) == set(), "a new status is no news"
    bigger = deployment(changed("replicas", 2), generation=2)
    assert store.tie(KEY, bigger) == {HARBOUR, LAB}
    assert store.grant("harbour").replicas == {"u": 2}
    moved = deployment(changed("model.supplier", "maker"), generation=3)
    assert store.tie(KEY, moved) == {HARBOUR, LAB, TermsKey("Supplier", "maker")}
    assert store.tie(KEY, None) == {HARBOUR, TermsKey("Supplier", "maker")}
    assert store.grant("harbour").replicas == {}


def test_a_new_deployment_under_an_old_name_is_a_new_one() -> None:
    store = filled()
    store.tie(KEY, deployment())
    assert store.tie(KEY, deployment(uid="another")) == {HARBOUR, LAB}
    assert store.behind("open-lab")[0].uid == "another"


def test_a_base_ties_its_supplier_too() -> None:
    store = filled()
    base = {"supplier": "base-lab", "digest": f"sha256:{'0' * 64}"}
    store.tie(KEY, deployment(changed("model.base", base, changed("model.variant", "Adapter"))))
    assert store.dependents(TermsKey("Supplier", "base-lab")) == [KEY]
    assert store.dependents(LAB) == [KEY]
    assert store.dependents(TermsKey("Supplier", "other")) == []


def test_what_is_unknown_or_broken_grants_nothing() -> None:
    store = filled()
    store.tie(KEY, deployment())
    assert store.terms_of(KEY).granted == 1, "control"
    store.put("UsageAgreement", numbered(agreement(redLines=[]), 2))
    assert store.terms_of(KEY).granted == 0
    store.drop("UsageAgreement", "harbour")
    assert store.terms_of(KEY).granted == 0
    assert store.terms_of(KEY).agreement is None
    assert store.terms_of(Key("models", "unknown")).agreement is None


def test_a_spec_that_breaks_a_rule_is_tied_to_nothing() -> None:
    store = filled()
    store.tie(KEY, deployment())
    assert store.tie(KEY, deployment({"model": {}}, generation=2)) == {HARBOUR, LAB}
    assert store.behind("open-lab") == []


def test_the_index_names_all_and_knows_nothing_before_a_status_says_it() -> None:
    store = filled()
    assert store.index() == {"agreement.harbour": "Unknown", "supplier.open-lab": "Unknown"}
    told = numbered(supplier(), 2) | {"status": {"standing": "Approved"}}
    store.put("Supplier", told)
    assert store.index()["supplier.open-lab"] == "Approved"


def test_a_complete_list_forgets_what_it_does_not_show() -> None:
    store = filled()
    assert store.keep_only("Supplier", {"open-lab"}) == set()
    assert store.keep_only("Supplier", set()) == {LAB}
    assert store.get(HARBOUR) is not None
    assert store.get(LAB) is None
