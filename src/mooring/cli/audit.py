"""``mooring audit``: check the invariants now."""

import click

from mooring.cli.options import as_json, cloud
from mooring.cli.text import Column, print_json, print_table, say

_COLUMNS = (Column("INVARIANT"), Column("FINDING"))


@click.command(short_help="Check what must always hold; exit 1 on a finding.")
@as_json
@cloud
def audit(is_json: bool, os_cloud: str | None) -> int:
    """Check what must always hold: no VF with two owners, none lost, what was reported is what is wanted.

    Exit code 0 when nothing is found, 1 when something is.
    """
    from mooring.cli.client import connect, rows

    findings = rows(connect(os_cloud).get("/mooring/v1/audit"), "findings")
    if is_json:
        print_json(findings)
    elif findings:
        print_table(_COLUMNS, [(one["invariant"], one["text"]) for one in findings])
    else:
        say("no findings")
    return 1 if findings else 0
