"""`python -m generate` writes the generated files; with --check it only compares them."""

import argparse
import difflib
import sys
from pathlib import Path

from casemate.api.crd import DEFINITIONS
from casemate.api.v1alpha1 import GROUP
from generate.manifest import crd_yaml
from generate.metrics import metrics_reference
from generate.monitoring import monitoring_files
from generate.policies import policy_files
from generate.reference import reference

ROOT = Path(__file__).resolve().parents[2]


def generated() -> dict[str, str]:
    """Return the text of every generated file by its path in the checkout."""
    files: dict[str, str] = policy_files() | monitoring_files()
    for definition in DEFINITIONS:
        manifest = crd_yaml(definition)
        name = f"{GROUP}_{definition.plural}.yaml"
        files[f"crds/{name}"] = manifest
        files[f"charts/casemate/files/crds/{name}"] = manifest
        files[f"docs/reference/{definition.kind.lower()}.md"] = reference(definition)
    files["docs/reference/metrics.md"] = metrics_reference()
    return files


def difference(root: Path, path: str, wanted: str) -> str:
    """Return the unified diff from the file as it is to the text wanted; empty if it is current."""
    file = root / path
    found = file.read_text() if file.is_file() else ""
    lines = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), path, f"{path} (current)"
    )
    return "".join(lines)


def check(root: Path) -> int:
    """Print what is out of date; return the exit code."""
    differences = [difference(root, path, text) for path, text in generated().items()]
    sys.stdout.writelines(differences)
    if any(differences):
        print("Generated files are out of date: run `make generate` and commit.", file=sys.stderr)
    return int(any(differences))


def write(root: Path) -> int:
    """Write every generated file; return the exit code."""
    for path, text in generated().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        print(f"wrote {path}")
    return 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 with a diff, write nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout to write to")
    options = parser.parse_args()
    return check(options.root) if options.check else write(options.root)


if __name__ == "__main__":
    sys.exit(main())
