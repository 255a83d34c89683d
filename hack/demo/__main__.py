"""Run the demonstration; safe to run again."""

import argparse
import sys

from demo import (
    approvals,
    deploy,
    diagnose,
    guard,
    inspection,
    isolation,
    names,
    show,
    stops,
    terms,
)
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
    steps, cluster = Steps(14), None
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
    with steps.step("Names: who may ask, who may not, and who has none"):
        names.show_names(cluster)
    with steps.step("The guard: lawful work, both red lines, and attempts to hide"):
        guard.show_guard(cluster)
    with steps.step("Approvals: a held request, two people, and one answer"):
        approvals.show_approvals(cluster)
    with steps.step("The kill switch: stopped by one person, lifted by another"):
        stops.show_stop(cluster)
    with steps.step("What is blocked, each beside what is not"):
        show.show_blocks(cluster)
    with steps.step("State and metrics"):
        show.show_state(cluster)
    with steps.step("Isolation: proven, lost while it serves, and proven again"):
        isolation.show_isolation(cluster)
    with steps.step("Terms: a use that is refused, a supplier that is phased out and stayed"):
        terms.show_terms(cluster)
    with steps.step("Evidence: carried away, inspected, forged, and inspected again"):
        inspection.show_inspection(cluster)


if __name__ == "__main__":
    sys.exit(main())
