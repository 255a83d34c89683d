"""What a command does in a cluster: connects as its kubeconfig says, and ends with a status."""

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from casemate.api.model import Reasoning
from casemate.cli.options import Exit
from casemate.deciding.refusals import Away, DeskError, Ended, NotFound, Refused, Unreadable
from casemate.deciding.seen import plain

if TYPE_CHECKING:  # no command waits for a client before it is known to need one
    from kubernetes.aio.client import Configuration

    from casemate.cluster.client import Client

T = TypeVar("T")

_STATUS = {
    Refused: Exit.REFUSED,
    Away: Exit.REFUSED,
    NotFound: Exit.NOT_FOUND,
    Ended: Exit.ENDED,
    Unreadable: Exit.UNREADABLE,
}
_OWN_FILE = "~/.kube/config"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class UsageError(Exception):
    """Something that was given cannot be used; says what."""


def check_reason(text: str) -> None:
    """Make sure that a reason is one that the API server will take.

    Raises:
        UsageError: It is none.
    """
    try:
        TypeAdapter(Reasoning).validate_python(text)
    except ValidationError as error:
        raise UsageError(
            "--reason: accepted: one line of 10 to 1000 characters, not blank, without control or "
            "invisible characters"
        ) from error


def guarded(name: str, work: Callable[[], int]) -> int:
    """Run a command, and tell on standard error in one sentence why it is not done.

    Args:
        name: Of the command, as the sentence begins.
        work: Does it.

    Returns:
        What `work` returned, or the exit status of the error.
    """
    from casemate.cluster.errors import Error  # noqa: PLC0415  heavy

    try:
        status = work()
        sys.stdout.flush()
    except UsageError as error:
        return _told(name, error, Exit.USAGE)
    except DeskError as error:
        return _told(name, error, _STATUS[type(error)])
    except Error as error:
        return _told(name, error, Exit.REFUSED)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on; what is still to be flushed at the end must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.REFUSED
    return status


def do(options: Namespace, work: "Callable[[Client], Awaitable[T]]") -> T:
    """Connect as options and kubeconfig say, and do something.

    Raises:
        UsageError: There is no kubeconfig, or it cannot be used.
    """

    async def connected() -> T:
        from casemate.cluster.client import Client  # noqa: PLC0415  heavy

        client = Client(await _configuration(options), me="kubectl")
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(connected())


def namespace(options: Namespace) -> str | None:
    """Return where to look: as the options say, or else the context; None: everywhere.

    Raises:
        UsageError: There is no kubeconfig, or it cannot be used.
    """
    if options.all_namespaces:
        return None
    return str(options.namespace or _context_namespace(options) or "default")


def _context_namespace(options: Namespace) -> str:
    from kubernetes.aio import config  # noqa: PLC0415  heavy

    file = _file(options)
    if file is None:
        return _POD_NAMESPACE.read_text("utf-8").strip() if _POD_NAMESPACE.exists() else ""
    try:
        contexts, current = config.list_kube_config_contexts(file)
    except Exception as error:  # whatever a file that a person edits can be
        raise UsageError(f"the kubeconfig {file} cannot be used: {error}") from error
    wanted = options.context or current["name"]
    found = [one["context"] for one in contexts if one["name"] == wanted]
    if not found:
        raise UsageError(f"the kubeconfig {file} has no context {wanted}")
    return str(found[0].get("namespace", ""))


async def _configuration(options: Namespace) -> "Configuration":
    from kubernetes.aio import client, config  # noqa: PLC0415  heavy

    made, file = client.Configuration(), _file(options)
    if file is None:
        config.load_incluster_config(client_configuration=made)
        return made
    try:
        await config.load_kube_config(file, options.context, client_configuration=made)
    except Exception as error:  # whatever a file that a person edits can be
        raise UsageError(f"the kubeconfig {file} cannot be used: {error}") from error
    return made


def _file(options: Namespace) -> str | None:
    """The kubeconfig, or several as $KUBECONFIG names them; None: there is none, but a pod's."""
    file = options.kubeconfig or os.environ.get("KUBECONFIG") or _OWN_FILE
    if any(Path(one).expanduser().exists() for one in str(file).split(os.pathsep) if one):
        return str(file)
    if not options.kubeconfig and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return None
    raise UsageError(f"there is no kubeconfig at {file}")


def _told(name: str, error: Exception, status: Exit) -> Exit:
    sys.stderr.write(f"kubectl casemate {name}: {plain(str(error))}\n")
    return status
