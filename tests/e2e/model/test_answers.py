"""The real model answers the real client. Its answers are poor: only their structure counts."""

from functools import partial

from demo import deploy
from demo.cluster import Cluster
from e2e.model.conftest import Ask
from support.enclaves import Enclave


def test_the_openai_client_gets_a_whole_answer(ask: Ask) -> None:
    answer = ask()

    assert answer["ok"], answer
    assert answer["role"] == "assistant"
    assert answer["model"] == deploy.MODEL
    assert answer["content"]
    assert answer["finish_reason"] in {"stop", "length"}
    usage = answer["usage"]
    assert 0 < usage["completion_tokens"] <= 16
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_openai_client_gets_a_streamed_answer_piece_by_piece(ask: Ask) -> None:
    answer = ask("--stream")

    assert answer["ok"], answer
    assert answer["chunks"] > 1
    assert answer["content"]
    assert answer["finish_reason"] in {"stop", "length"}


def test_the_gateway_proves_who_it_is_by_the_published_ca(ask: Ask) -> None:
    assert ask()["ok"], "control: with the published CA"

    answer = ask(ca="/usr/lib/ssl/openssl.cnf")  # any file that is no CA of ours

    assert not answer["ok"]


def test_the_one_line_of_kubectl_says_what_runs_and_who_owns_it(cluster: Cluster) -> None:
    header, line = cluster.kubectl("get", "md", "--namespace", deploy.MODELS).splitlines()

    assert "READY" in header
    assert "OWNER" in header
    for word in (deploy.MODEL, "True", "Serving", "huggingface", "Logistics planning office"):
        assert word in line


def test_the_operator_and_the_gateway_are_scraped_by_prometheus(
    cluster: Cluster, ask: Ask, enclave: Enclave
) -> None:
    assert ask()["ok"]
    for query in (
        'casemate_modeldeployment_condition{type="Ready",status="True"} == 1',
        'casemate_gateway_tokens_total{kind="completion"} > 0',
    ):
        enclave.eventually(partial(_found, cluster, query), f"nothing for {query}", 60)


def _found(cluster: Cluster, query: str) -> bool:
    return bool(cluster.prometheus(query))
