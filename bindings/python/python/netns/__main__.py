"""``python -m netns``: versions, what this kernel and user are capable of, and how to get what is missing.

Exit status: 0 when everything that is required is there, 1 when not, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from ._probe import Capability, Report, probe

_MARKS = {True: "yes", False: "no", None: "?"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m netns",
        description="Versions of libnetns, Python and the kernel; what works here, and how to get what does not.",
        epilog="exit status: 0 when everything that is required is there, 1 when not",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args(arguments)
    report = probe()
    print(_json(report) if chosen.json else _text(report))
    return 0 if report.usable else 1


def _json(report: Report) -> str:
    missing = [each.name for each in report.capabilities if not each.ok]
    return json.dumps({**dataclasses.asdict(report), "usable": report.usable, "missing": missing}, indent=2)


def _text(report: Report) -> str:
    lines = [f"libnetns {report.version}, Python {report.python}, Linux {report.kernel}, user {report.user}", ""]
    for each in report.capabilities:
        lines += _lines(each)
    lines += ["", "everything that is required is there" if report.usable else "something that is required is missing"]
    return "\n".join(lines)


def _lines(capability: Capability) -> list[str]:
    first = f"{_MARKS[capability.ok]:3} {capability.name:20} {capability.what_for}"
    if capability.required:
        first += ", required"
    rest = [f"    {text}" for text in (capability.reason, capability.remedy and f"to get it: {capability.remedy}") if text]
    return [first, *rest]


if __name__ == "__main__":
    sys.exit(main())
