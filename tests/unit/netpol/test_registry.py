"""Who holds an address, through reuse and restarts."""

from pathlib import Path

import pytest

from enclave.netpol.registry import Attachment, Registry

OLD = Attachment("10.244.0.2", "red", "old", "uid-old", "box-old", "veth1")
NEW = Attachment("10.244.0.2", "red", "new", "uid-new", "box-new", "veth2")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "netpol.json")


def test_a_reused_address_belongs_to_the_last_pod_added(registry: Registry) -> None:
    registry.add(OLD)
    registry.add(NEW)
    assert list(registry) == [NEW]
    assert registry.holds(NEW)
    assert not registry.holds(OLD)


def test_a_late_removal_of_the_old_sandbox_leaves_the_new_holder_alone(registry: Registry) -> None:
    registry.add(OLD)
    registry.add(NEW)
    assert not registry.remove("box-old", "uid-old")
    assert list(registry) == [NEW]
    assert registry.remove("box-new", "uid-new")
    assert not list(registry)


def test_a_new_sandbox_of_the_same_pod_replaces_its_address(registry: Registry) -> None:
    again = Attachment("10.244.0.3", "red", "old", "uid-old", "box-again", "veth3")
    registry.add(OLD)
    registry.add(again)
    assert list(registry) == [again]


def test_a_restarted_enforcer_knows_what_it_knew(tmp_path: Path) -> None:
    Registry(tmp_path / "netpol.json").add(OLD)
    assert list(Registry(tmp_path / "netpol.json")) == [OLD]


def test_adoption_takes_running_pods_but_no_address_that_is_taken_or_doubtful(
    registry: Registry,
) -> None:
    registry.add(NEW)
    free = Attachment("10.244.0.9", "red", "free", "uid-free")
    twins = [Attachment("10.244.0.8", "red", f"twin{i}", f"uid-twin{i}") for i in range(2)]
    taken = Attachment("10.244.0.2", "red", "old", "uid-old")
    known = Attachment("10.244.0.7", "red", "new", "uid-new")
    registry.adopt([free, *twins, taken, known])
    assert list(registry) == [NEW, free]
    assert registry.remove("box-unknown", "uid-free")


@pytest.mark.parametrize("link", ["veth1", "veth-a.b_c"])
def test_an_interface_name_may_be(link: str) -> None:
    assert Attachment("10.244.0.2", "red", "a", "u", "box", link).link == link


@pytest.mark.parametrize(
    ("address", "link"),
    [("10.244.0.2", 'x" drop'), ("10.244.0.2", "a" * 16), ("10.244.0.2 }", ""), ("fd00::1", "")],
)
def test_nothing_gets_into_the_filters_text_that_is_no_address_or_interface(
    address: str, link: str
) -> None:
    with pytest.raises(ValueError, match=r"."):
        Attachment(address, "red", "a", "u", "box", link)
