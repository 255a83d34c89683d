"""`python -m guardtrain`: train the bundle that ships, measure it, or check its model card."""

import argparse
from dataclasses import replace
from pathlib import Path

from casemate.embedder import load, prepared
from casemate.guard.views import canonical
from guardtrain import card
from guardtrain.build import build
from guardtrain.corpus import DATA, ROOT, corpus, lexicon, without
from guardtrain.fit import SEED
from guardtrain.prose import prose, together
from guardtrain.words import words

BUNDLE = ROOT / "operator" / "casemate" / "guard_bundle" / "bundle.bin"


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m guardtrain", description=__doc__)
    parser.add_argument("command", choices=("train", "eval", "verify"))
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the corpus")
    parser.add_argument("--out", type=Path, default=BUNDLE, help="bundle to write")
    options = parser.parse_args()
    if options.command == "eval":
        card.write()
        return
    if options.command == "verify":
        if problem := card.verify():
            raise SystemExit(f"model card: {problem}")
        return
    examples = [replace(each, text=canonical(each.text)) for each in corpus(options.data)]
    seen = without(examples, "holdout")
    documents = [*without(prose(options.data / "prose"), "holdout"), *together(seen, SEED)]
    raw = build(seen, documents, lexicon(options.data), words(), load(prepared()))
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_bytes(raw)
    print(f"{options.out}: {len(raw)} bytes")


if __name__ == "__main__":
    main()
