"""The operator's command line: what it accepts, and what it says about the rest."""

import pytest

from casemate.controller.arguments import parse
from casemate.core.election import Pace
from casemate.isolation.targets import Protocol, Target

IMAGE = "registry.enclave.local/casemate/casemate@sha256:" + "0b" * 32
GIVEN = f"--gateway-image={IMAGE}"


def test_the_gateway_image_is_enough() -> None:
    options = parse([GIVEN])
    assert (options.gateway_image, options.monitoring_namespace) == (IMAGE, "monitoring")
    assert (options.image_pull_secrets, options.closed) == ((), ())
    assert (options.namespace, options.metrics_port, options.health_port) == (
        "casemate-system",
        8080,
        8081,
    )
    assert (options.workers, options.pace) == (16, Pace(10))


def test_everything_else_may_be_given() -> None:
    options = parse(
        [
            GIVEN,
            "--namespace=n",
            "--monitoring-namespace=w",
            "--image-pull-secret=one",
            "--image-pull-secret=two.x",
            "--closed=tcp:10.9.9.9:443=archive",
            "--metrics-port=1",
            "--health-port=65535",
            "--workers=256",
            "--lease-seconds=15",
        ]
    )
    assert (options.gateway_image, options.monitoring_namespace) == (IMAGE, "w")
    assert options.image_pull_secrets == ("one", "two.x")
    assert options.closed == (Target(Protocol.TCP, "10.9.9.9", 443, "archive"),)
    assert (options.namespace, options.workers) == ("n", 256)
    assert (options.metrics_port, options.health_port, options.pace.duration) == (1, 65535, 15)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--gateway-image"),
        (["--gateway-image=registry.local/x:1"], "an image by digest is accepted"),
        ([f"--gateway-image={IMAGE[:-1]}"], "got 'registry.enclave.local"),
        ([GIVEN, "--closed=tcp:example.com:1"], "of one host is accepted; got"),
        ([GIVEN, "--workers=0"], "a whole number from 1 to 256 is accepted; got '0'"),
        ([GIVEN, "--workers=-1"], "a whole number from 1 to 256 is accepted; got '-1'"),
        ([GIVEN, "--workers=many"], "a whole number from 1 to 256 is accepted; got 'many'"),
        ([GIVEN, "--workers=٣"], "a whole number from 1 to 256 is accepted"),
        ([GIVEN, "--metrics-port=65536"], "a whole number from 1 to 65535 is accepted"),
        ([GIVEN, "--health-port=0"], "a whole number from 1 to 65535 is accepted"),
        ([GIVEN, "--lease-seconds=1"], "a whole number from 2 to 600 is accepted; got '1'"),
        ([GIVEN, "--health-port=8080"], "must differ; both are 8080"),
        ([GIVEN, "--namespace="], "a name of lower-case letters"),
        ([GIVEN, "--monitoring-namespace=Bad"], "got 'Bad'"),
        ([GIVEN, "--image-pull-secret=a/b"], "got 'a/b'"),
        ([GIVEN, "--surprise"], "unrecognized arguments: --surprise"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_accepted(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
