"""libvirt's own grammar as a judge of the domain XML that Mooring writes.

Needs lxml (the ``dev`` extra) and the RNG schemas that libvirt installs; Debian has them in libvirt0. A test that
calls this is marked ``requires("schemas")``.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mooring.errors import Invalid, Unsupported

SCHEMA_DIR = Path("/usr/share/libvirt/schemas")
ERRORS_SHOWN_MAX = 5


def validate_domain(xml: str, schema_dir: Path = SCHEMA_DIR) -> None:
    """Nothing, if libvirt's ``domain.rng`` takes ``xml``.

    Raises Invalid with the grammar's own words otherwise, and Unsupported when there is no lxml or no grammar.
    """
    etree = _load_lxml()
    grammar = _load_grammar(schema_dir / "domain.rng")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        document = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise Invalid(f"domain XML does not parse: {error}") from error
    if not grammar.validate(document):
        errors = "; ".join(f"line {entry.line}: {entry.message}" for entry in grammar.error_log[:ERRORS_SHOWN_MAX])
        raise Invalid(f"libvirt's grammar refuses the domain XML: {errors}")


def _load_lxml() -> Any:
    try:
        return import_module("lxml.etree")
    except ImportError as error:
        raise Unsupported("lxml is not installed", hint="pip install 'mooring[dev]'") from error


@cache
def _load_grammar(path: Path) -> Any:
    """Compiled once for each process: it has some ten thousand lines."""
    if not path.exists():
        raise Unsupported(f"there is no {path}", hint="apt-get install libvirt0")
    return _load_lxml().RelaxNG(file=str(path))
