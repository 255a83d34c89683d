"""How the enclave treats the machine: slots, locks, cgroups, packages, processes."""

import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from enclave import cgroups, daemons, debian, load, locks, paths, pki, preflight, slots
from enclave.daemons import Daemon
from enclave.errors import EnclaveError
from enclave.layout import SLOTS
from enclave.waiting import until


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "STATE_ROOT", tmp_path / "state")
    monkeypatch.setattr(paths, "RUN_ROOT", tmp_path / "run")
    monkeypatch.setattr(slots, "run", lambda _: "4: casemate0 inet 10.89.0.1/24 scope global")
    return tmp_path


@pytest.mark.usefixtures("roots")
def test_a_slot_is_kept_found_and_given_back() -> None:
    first, second = slots.claim("first"), slots.claim("second")
    assert first.slot == 1, "slot 0's addresses are in use on the machine"
    assert second.slot == 2
    assert slots.claim("first") == first
    slots.release(first)
    assert slots.find("first") is None
    assert slots.find("second") == second


def test_the_last_slot_takes_the_folders_with_it(roots: Path) -> None:
    layout = slots.claim("only")
    paths.RUN_ROOT.mkdir()
    slots.release(layout)
    assert list(roots.iterdir()) == []


@pytest.mark.usefixtures("roots")
def test_no_free_slot_is_refused_with_who_has_them() -> None:
    for number in range(1, SLOTS):
        slots.claim(f"enclave-{number}")
    with pytest.raises(EnclaveError, match="enclave-7, "):
        slots.claim("one-more")


def test_one_enclave_has_one_lock_and_another_has_its_own() -> None:
    refused = pytest.raises(EnclaveError, match="another process")
    with locks.enclave("unit-a"), locks.enclave("unit-b"), refused, locks.enclave("unit-a"):
        pytest.fail("the lock was given twice")
    with locks.enclave("unit-a"):
        pass


def test_a_recorded_program_is_recognised_until_it_ends(tmp_path: Path) -> None:
    record = tmp_path / "pids" / "sleeper"
    prefix = daemons.recording(record)
    process = daemons.spawn(Daemon("sleeper", ["sleep", "60"]), tmp_path / "log", prefix)
    until(record.exists, 20, "it was not recorded")
    assert daemons.recall(record) == process
    process.stop()
    assert daemons.recall(record) is None


def test_a_later_process_with_the_same_pid_is_not_taken_for_the_program(tmp_path: Path) -> None:
    process = daemons.spawn(Daemon("sleeper", ["sleep", "60"]), tmp_path / "log")
    record = tmp_path / "record"
    record.write_text(f'{{"pid": {process.pid}, "born": "{process.born}"}}')
    assert daemons.recall(record) == process
    record.write_text(f'{{"pid": {process.pid}, "born": "1"}}')
    assert daemons.recall(record) is None
    process.stop()


def test_a_dead_program_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "print('cannot bind'); raise SystemExit(3)"
    process = daemons.spawn(Daemon("failing", [sys.executable, "-c", script]), log)
    until(lambda: not process.alive, 20, "it did not fail")
    with pytest.raises(EnclaveError, match="cannot bind"):
        daemons.check_alive(process, "failing", log)


def test_cgroup_v2_is_one_hierarchy_and_v1_several(tmp_path: Path) -> None:
    for name in ("memory", "pids"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "unrelated").mkdir()
    assert cgroups.hierarchies(tmp_path) == [tmp_path / "memory", tmp_path / "pids"]
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.hierarchies(tmp_path) == [tmp_path]


def test_only_controllers_that_exist_and_matter_are_handed_on(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory rdma")
    cgroups._delegate(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"


def test_a_new_cpuset_gets_its_parents_cpus(tmp_path: Path) -> None:
    child = tmp_path / "child"
    child.mkdir()
    for name, value in (("cpuset.cpus", "0-1\n"), ("cpuset.mems", "0\n")):
        (tmp_path / name).write_text(value)
        (child / name).write_text("\n")
    cgroups._inherit_cpus(tmp_path, child)
    assert (child / "cpuset.cpus").read_text() == "0-1\n"
    assert (child / "cpuset.mems").read_text() == "0\n"


@pytest.mark.parametrize("own", [True, False])
def test_services_are_held_back_only_while_packages_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, own: bool
) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "_POLICY", policy)
    if own:
        policy.write_text("the machine's own")
    with debian._services_held_back():
        assert policy.read_text() == ("the machine's own" if own else "#!/bin/sh\nexit 101\n")
    assert policy.exists() == own


def test_a_full_disk_is_refused_with_what_to_do(tmp_path: Path) -> None:
    preflight.check_disk(tmp_path / "not" / "yet", needed=1)
    with pytest.raises(EnclaveError, match="set CASEMATE_CACHE"):
        preflight.check_disk(tmp_path, needed=1 << 60)


def test_available_memory_is_read_in_bytes() -> None:
    meminfo = "MemTotal: 2048 kB\nMemFree: 5 kB\nMemAvailable: 1024 kB\n"
    assert preflight._memory_available(meminfo) == 1 << 20


def test_a_certificate_carries_user_groups_and_hosts(tmp_path: Path) -> None:
    authority = pki.Authority.at(tmp_path, "ca")
    pair = authority.issue("alice", ["readers", "writers"], ["localhost", "127.0.0.1"])
    subject = x509.load_pem_x509_certificate(pair.certificate)
    groups = subject.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [group.value for group in groups] == ["readers", "writers"]
    assert subject.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "alice"
    subject.verify_directly_issued_by(
        x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    )
    assert pki.Authority.at(tmp_path, "ca").pair == authority.pair
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0


def test_an_image_is_named_by_the_user_or_by_itself(tmp_path: Path) -> None:
    index = '{"manifests": [{"annotations": {"org.opencontainers.image.ref.name": "team/tool:1"}}]}'
    (tmp_path / "index.json").write_text(index)
    assert load._own_name(tmp_path) == "team/tool:1"
    assert load._source(tmp_path) == f"oci:{tmp_path}"
    with pytest.raises(EnclaveError, match="neither an OCI layout nor an image archive"):
        load._source(tmp_path / "missing")
