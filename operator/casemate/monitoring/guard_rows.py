"""What keeps models to their terms: the guard, the proof of isolation, and the terms themselves."""

from casemate.monitoring.isolation import AGE
from casemate.monitoring.panels import Panel, Query, Row
from casemate.monitoring.queries import BY, CHOSEN, left, quantiles, rate

GUARD = Row(
    "Guard",
    (
        Panel(
            "Judgements",
            "reqps",
            (
                Query(
                    rate("casemate_guard_verdicts_total", "line", "verdict"),
                    "{{verdict}} {{line}}",
                ),
            ),
        ),
        Panel(
            "Refusals by the guard",
            "reqps",
            (Query(rate("casemate_guard_refusals_total", "reason"), "{{reason}}"),),
        ),
        Panel("Time of a judgement", "s", quantiles("casemate_guard_tier_seconds")),
        Panel(
            "Hidden text",
            "reqps",
            (Query(rate("casemate_guard_hidden_total", "how"), "{{how}}"),),
            "By how it was hidden: no accident.",
        ),
        Panel(
            "Held back of an answer",
            "bytes",
            quantiles("casemate_guard_held_back_bytes"),
            "The most that waited for its verdict.",
        ),
        Panel(
            "Bundles in force",
            "none",
            (
                Query(
                    f"count by ({BY}, version, digest) (casemate_guard_bundle_info{{{CHOSEN}}})",
                    "{{namespace}}/{{model_deployment}} {{version}}",
                ),
            ),
            kind="table",
        ),
    ),
)
ISOLATION = Row(
    "Isolation",
    (
        Panel(
            "Age of the oldest proof",
            "s",
            (Query(f"max by ({BY}) ({AGE}{{{CHOSEN}}})", "{{namespace}}/{{model_deployment}}"),),
            "A fresh one comes every 30 s; without one a pod answers nothing.",
        ),
        Panel(
            "Rounds of the proof",
            "reqps",
            (Query(rate("casemate_gateway_isolation_rounds_total", "verdict"), "{{verdict}}"),),
        ),
        Panel(
            "The warden",
            "reqps",
            (
                Query(
                    rate("casemate_warden_proofs_total", "verdict", chosen=False),
                    "proofs {{verdict}}",
                ),
                Query(
                    rate("casemate_warden_refusals_total", "reason", chosen=False),
                    "refused {{reason}}",
                ),
            ),
        ),
    ),
)
EVIDENCE = Row(
    "Names and records",
    (
        Panel(
            "Callers that gateways asked about",
            "reqps",
            (
                Query(rate("casemate_gateway_identity_questions_total", "result"), "{{result}}"),
                Query(
                    rate("casemate_warden_callers_total", "result", chosen=False),
                    "warden {{result}}",
                ),
            ),
        ),
        Panel(
            "Records of requests",
            "reqps",
            (
                Query(
                    rate("casemate_gateway_records_total", "kind", "result"), "{{kind}} {{result}}"
                ),
                Query(rate("casemate_warden_records_total", "kind", chosen=False), "kept {{kind}}"),
            ),
            "What is not kept is not answered.",
        ),
        Panel(
            "Time until a record is on the disk",
            "s",
            quantiles("casemate_warden_append_seconds", chosen=False),
        ),
        Panel(
            "Records in the log",
            "none",
            (Query("casemate_warden_log_records", "{{pod}}"),),
            "A record takes about 1 KiB of the warden's volume.",
        ),
        Panel(
            "Records that another replica has signed for",
            "none",
            (
                Query(
                    "max by (pod, peer) (casemate_warden_witnessed_records)", "{{pod}} by {{peer}}"
                ),
            ),
            "As many as are in the log, but for a few seconds.",
        ),
        Panel(
            "Checkpoints of others that were not signed",
            "reqps",
            (
                Query(
                    rate("casemate_warden_witness_refusals_total", "reason", chosen=False),
                    "{{reason}}",
                ),
            ),
        ),
    ),
)
TERMS = Row(
    "Terms",
    (
        Panel(
            "Days that are left",
            "none",
            (
                Query(
                    left("casemate_supplier_deadline_timestamp_seconds", "supplier"),
                    "supplier {{supplier}}",
                ),
                Query(
                    left("casemate_agreement_end_timestamp_seconds", "agreement"),
                    "agreement {{agreement}}",
                ),
                Query(
                    left("casemate_agreement_wind_down_end_timestamp_seconds", "agreement"),
                    "wind-down {{agreement}}",
                ),
            ),
            kind="stat",
        ),
        Panel(
            "Pods and devices",
            "none",
            (
                Query(
                    "max by (agreement) (casemate_agreement_replicas_used)", "asked {{agreement}}"
                ),
                Query(
                    "max by (agreement) (casemate_agreement_replicas_granted)",
                    "granted {{agreement}}",
                ),
                Query(
                    "max by (agreement) (casemate_agreement_accelerators_granted)",
                    "devices {{agreement}}",
                ),
            ),
        ),
        Panel(
            "Not as they should be",
            "none",
            (
                Query(
                    "max by (namespace, name, type)"
                    ' (casemate_modeldeployment_condition{status="False",namespace=~"$namespace"})'
                    " == 1",
                    "{{namespace}}/{{name}} {{type}}",
                ),
                Query("sum by (reason) (casemate_modeldeployments_refused) > 0", "{{reason}}"),
                Query(
                    "sum by (supplier, standing) (casemate_supplier_deployments)",
                    "{{supplier}} {{standing}}",
                ),
            ),
            kind="table",
        ),
    ),
)
