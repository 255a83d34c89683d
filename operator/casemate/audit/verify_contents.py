"""Sealed contents beside the records that name them: the same bytes, without opening them."""

from hashlib import sha256

from casemate.audit.bundle import Bundle, BundleError, Content
from casemate.audit.findings import Findings
from casemate.audit.kinds import Intent, Outcome, Record
from casemate.audit.verify_retention import Retention

FILE = "contents.jsonl"


class ContentCheck:
    """Reads a log's contents in step with its records."""

    def __init__(self, bundle: Bundle, pod: str, retention: Retention, findings: Findings) -> None:
        self._pod, self._retention, self._findings = pod, retention, findings
        self._wanted = bundle.manifest.contents
        self._contents = bundle.contents(pod)
        self._next = self._read()
        self.good = 0
        """Contents that are as they were recorded."""

    def meet(self, record: Record, index: int) -> None:
        """Compare what a record names with what there is."""
        part, digest = "", None
        if type(record) is Intent:
            part, digest = "request", record.request.sealed
        elif type(record) is Outcome and record.response is not None:
            part, digest = "response", record.response.sealed
        found = self._of(index)
        if found is None:
            if digest is not None and self._wanted:
                self._retention.missed(self._pod, index, part)
        elif digest is None or part != found.part:
            self._findings.broken(self._pod, index, FILE, f"the record names no {found.part}")
        elif f"sha256:{sha256(found.sealed).hexdigest()}" != digest:
            self._findings.broken(
                self._pod, index, f"{part}.sealed", f"{FILE} holds another content"
            )
        else:
            self.good += 1

    def end(self) -> None:
        """No record comes any more."""
        while self._next is not None:
            self._stray(self._next)
            self._next = self._read()

    def _of(self, index: int) -> Content | None:
        while self._next is not None and self._next.seq < index:
            self._stray(self._next)
            self._next = self._read()
        if self._next is None or self._next.seq > index:
            return None
        found, self._next = self._next, self._read()
        return found

    def _stray(self, content: Content) -> None:
        told = f"holds a {content.part} that no record there names, or out of order"
        self._findings.broken(self._pod, content.seq, FILE, told)

    def _read(self) -> Content | None:
        try:
            return next(self._contents, None)
        except BundleError as error:
            self._findings.broken(self._pod, None, FILE, str(error))
            return None
