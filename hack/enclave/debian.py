"""Install the Debian packages of the enclave and the tests, without letting them start services.

`python -m enclave.debian [PACKAGE...]` does it by hand, with further packages if wanted.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from enclave.commands import run, succeeds
from enclave.errors import EnclaveError

PACKAGES = (
    "busybox-static",
    "chromium",
    "conntrack",
    "containernetworking-plugins",
    "docker-registry",
    "iproute2",
    "mmdebstrap",
    "nftables",
    "procps",
    "prometheus",
    "python3-minimal",
    "runc",
    "skopeo",
)
_POLICY = Path("/usr/sbin/policy-rc.d")
_DENY = "#!/bin/sh\nexit 101\n"


def missing(extra: Sequence[str] = ()) -> list[str]:
    """Return the packages that are not installed.

    Raises:
        EnclaveError: This is not a Debian system.
    """
    if not shutil.which("dpkg-query"):
        raise EnclaveError(
            "the node provider needs a Debian system (no dpkg found): use --provider kind with a"
            " Docker engine instead"
        )
    return [name for name in (*PACKAGES, *extra) if not _installed(name)]


def ensure(extra: Sequence[str] = ()) -> None:
    """Install what is missing.

    Raises:
        EnclaveError: apt-get failed; its own words precede.
    """
    if not (names := missing(extra)):
        return
    print(f"installing Debian packages: {' '.join(names)}", flush=True)
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-qq"]
    run([*apt, "update"], visible=True)
    with _services_held_back():
        install = [*apt, "install", "--yes", "--no-install-recommends", *names]
        run(["env", "DEBIAN_FRONTEND=noninteractive", *install], visible=True)


def _installed(name: str) -> bool:
    return succeeds(["sh", "-c", f"dpkg-query -Wf '${{Status}}' {name} | grep -q ' installed$'"])


@contextmanager
def _services_held_back() -> Iterator[None]:
    """Refuse service starts while packages are set up; a policy of the machine's own stays."""
    own = _POLICY.exists()
    if not own:
        _POLICY.write_text(_DENY)
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if not own:
            _POLICY.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        ensure(sys.argv[1:])
    except EnclaveError as error:
        sys.exit(f"packages: {error}")
