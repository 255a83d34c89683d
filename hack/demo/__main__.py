"""Run the demonstration; safe to run again."""

import argparse
import sys

from demo import deploy, diagnose, guard, isolation, show, terms
from demo.cluster import Cluster
from demo.progress import DemoError, Steps
from enclave.errors import EnclaveError
from images.build import build
from images.command import ImageError


def main() -> int:
    """Run all steps; 0 when all of them came out as they must."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--name", default="casemate", help="enclave to use (default: casemate)")
    name = parser.parse_args().name
    steps, cluster = Steps(10), None
    try:
        with steps.step("Enclave: a Kubernetes node that no network reaches"):
            cluster = Cluster.up(name)
        _run(steps, cluster)
    except (DemoError, EnclaveError, ImageError) as error:
        if cluster:
            print(diagnose.report(cluster), file=sys.stderr)
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    print(f"\nAll of it took {steps.total():.0f} s.")
    print(show.next_steps(cluster))
    return 0


def _run(steps: Steps, cluster: Cluster) -> None:
    with steps.step("Images: built without a daemon, loaded by digest"):
        images = build()
        deploy.load_images(cluster, images)
    with steps.step("Operator: the chart, installed with helm"):
        deploy.install(cluster, images["casemate"])
    with steps.step("Examples: a ModelDeployment and two clients"):
        deploy.apply_examples(cluster, images)
    with steps.step("Ask the model, from the pod that may"):
        show.ask(cluster)
    with steps.step("The guard: lawful work, both red lines, and attempts to hide"):
        guard.show_guard(cluster)
    with steps.step("What is blocked, each beside what is not"):
        show.show_blocks(cluster)
    with steps.step("State and metrics"):
        show.show_state(cluster)
    with steps.step("Isolation: proven, lost while it serves, and proven again"):
        isolation.show_isolation(cluster)
    with steps.step("Terms: a use that is refused, a supplier that is phased out and stayed"):
        terms.show_terms(cluster)


if __name__ == "__main__":
    sys.exit(main())
