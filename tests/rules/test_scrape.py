"""The scrape configuration in the docs is one, and gives the labels that rules need."""

import re
from pathlib import Path

import yaml

from rules import promtool

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"


def test_prometheus_accepts_it(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", PAGE.read_text(), re.DOTALL)
    config = yaml.safe_load(block)
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert jobs.keys() == {
        "casemate-operator",
        "casemate-warden",
        "casemate-console",
        "casemate-gateways",
    }
    assert jobs["casemate-operator"]["honor_labels"] is True
    given = {one.get("target_label") for one in jobs["casemate-gateways"]["relabel_configs"]}
    assert given >= {"namespace", "pod", "model_deployment"}
    for job in jobs.values():
        # Debian builds Prometheus without its discovery in Kubernetes.
        assert job.pop("kubernetes_sd_configs")[0]["role"] == "pod"
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump({**config, "rule_files": [str(promtool.RULES)]}))
    done = promtool.run("check", "config", file)
    assert done.returncode == 0, done.stdout + done.stderr
