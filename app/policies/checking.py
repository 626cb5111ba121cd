"""`redcat policy check`: all that is wrong with a policy file at once, and what in it can have no effect."""

from typing import NamedTuple

from app.policies.checking_documents import Document, read_documents
from app.policies.checking_walk import Finding, walk
from app.policies.checking_warnings import warnings
from streams.core.policy import Policy, parse_policy


class Written(NamedTuple):
    """A policy and the document that says it."""

    policy: Policy
    document: Document


class Checked(NamedTuple):
    """What a file comes to: its policies, if it has no errors, and all findings in the order of the file."""

    policies: list[Policy]
    findings: list[Finding]

    @property
    def errors(self) -> int:
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.errors


def check_policies(text: str) -> Checked:
    """Everything that is to be said about the text of a policy file."""
    documents, flaws = read_documents(text)
    findings = [Finding("error", *flaw, flaw.code) for flaw in flaws]
    flawed = {(flaw.document, flaw.path) for flaw in flaws}
    written: list[Written] = []
    for document in documents:
        errors = [error for error in walk(document) if (error.document, error.path) not in flawed]
        if not errors and not any(number == document.number for number, _ in flawed):
            errors = _parsed(document, written)
        findings += errors
    if not documents and not flaws:
        findings.append(Finding("error", "nothing", 0, (), None, {}, None))
    findings += _versions(documents, written)
    if not any(finding.level == "error" for finding in findings):
        findings += warnings([(one.policy, one.document) for one in written])
    findings.sort(key=_position)
    return Checked([one.policy for one in written], findings)


def _position(finding: Finding) -> tuple[object, ...]:
    """By place; what is missing at the top of a document comes last, for it has none."""
    nowhere = finding.code == "missing" and len(finding.path) == 1
    return finding.document, nowhere, finding.place or (0, 0), str(finding.path)


def _parsed(document: Document, written: list[Written]) -> list[Finding]:
    """Add the policy of a document to `written`; an error if the core does not take it after all."""
    try:
        written.append(Written(parse_policy(document.content), document))
    except ValueError as error:
        place = document.values.get(())
        return [Finding("error", "refused", document.number, (), place, {"problem": str(error)}, None)]
    return []


def _versions(documents: list[Document], written: list[Written]) -> list[Finding]:
    """Versions given twice: with another content an error, with the same one idle."""
    policies = {one.document.number: one.policy for one in written}
    first: dict[int, Document] = {}
    findings = []
    for document in documents:
        version = document.content.get("version") if isinstance(document.content, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            continue
        known = first.setdefault(version, document)
        if known is document:
            continue
        policy = policies.get(document.number)
        same = known.content == document.content if policy is None else policy == policies.get(known.number)
        values = {"version": document.written.get(("version",), ""), "other": str(known.number)}
        place = document.values.get(("version",))
        code = "version_again" if same else "version_twice"
        findings.append(
            Finding("warning" if same else "error", code, document.number, ("version",), place, values, code)
        )
    return findings
