"""What the room refuses, as whoever asked the API is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from config.problem import Problem
from policy import amend, drafts, shadow, versions
from policy.admin import problems
from policy.admin.problems import FaultEntry, FaultyPolicy
from policy.casbin_lines import Lines
from policy.lint import Finding


@contextlib.contextmanager
def worded(lines: Lines | None = None) -> Iterator[None]:
    """Have refusals within told as problems; `lines`: where the rules stood that were sent."""
    try:
        yield
    except versions.NoSuchVersion as error:
        raise Problem(problems.NO_SUCH_VERSION) from error
    except versions.Overtaken as error:
        raise Problem(problems.OVERTAKEN, f"{error}; {problems.OVERTAKEN.remedy}") from error
    except versions.NotApproved as error:
        raise Problem(problems.NOT_APPROVED, f"{error}; {problems.NOT_APPROVED.remedy}") from error
    except versions.Refused as error:
        raise FaultyPolicy([entry(finding, lines) for finding in error.findings]) from error
    except amend.NotThere as error:
        raise Problem(problems.NO_SUCH_ENTRY) from error
    except amend.AlreadyThere as error:
        raise Problem(problems.ALREADY_THERE, f"{error} is there already; {problems.ALREADY_THERE.remedy}") from error
    except drafts.OwnDraft as error:
        raise Problem(problems.OWN_DRAFT) from error
    except shadow.AnotherShadow as error:
        raise Problem(problems.ANOTHER_SHADOW, f"{error}; {problems.ANOTHER_SHADOW.remedy}") from error
    except shadow.NoShadow as error:
        raise Problem(problems.NO_SHADOW) from error


def entry(finding: Finding, lines: Lines | None = None) -> FaultEntry:
    """A finding, by the line that it is about."""
    line = lines.where.get(finding.rule) if lines is not None else None
    return FaultEntry(finding.message, finding.fault.value, line, finding.rule, finding.severity.value)
