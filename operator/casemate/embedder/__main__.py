"""`python -m casemate.embedder FILE`: write the embedder's weights for `load` to map."""

import sys
from pathlib import Path

from casemate.embedder.prepare import write

if __name__ == "__main__":
    write(Path(sys.argv[1]))
