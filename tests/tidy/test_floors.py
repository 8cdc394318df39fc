"""The import graph of ``mooring`` is the house that DESIGN draws."""

import tomllib

from tests.tidy.floors import cycle_in, import_graph, imports_of, impurities, strangers, wrong_arrows
from tests.tidy.sources import ROOT, assert_none, python_sources

PRODUCT = python_sources("src")

#: Import names that differ from the distribution's.
IMPORT_NAMES = {
    "libvirt-python": "libvirt",
    "neutron-lib": "neutron_lib",
    "oslo.config": "oslo_config",
    "pyyaml": "yaml",
    "psycopg[binary]": "psycopg",
}


def declared_imports() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    names = [*project["dependencies"], *extras["postgres"], *extras["libvirt"], *extras["neutron"], "pytest"]
    distributions = [name.split(">")[0] for name in names]
    return {IMPORT_NAMES.get(name, name) for name in distributions}


def test_the_product_was_read() -> None:
    assert {"mooring", "mooring.errors", "mooring.model.pci"} <= {source.module for source in PRODUCT}
    assert sum(len(list(imports_of(source))) for source in PRODUCT) > len(PRODUCT)


def test_imports_go_down() -> None:
    assert_none(
        wrong_arrows(PRODUCT),
        "move the code to the floor that knows, or take the thing as an argument; the plan is tests/tidy/floors.py",
    )


def test_no_modules_import_each_other_in_a_circle() -> None:
    cycle = cycle_in(import_graph(PRODUCT))
    assert cycle == [], f"break the circle at its smallest arrow: {' -> '.join(cycle)}"


def test_outside_modules_stay_in_the_part_that_owns_them() -> None:
    assert_none(
        strangers(PRODUCT, declared_imports()), "go through the part that owns it, or declare it in pyproject.toml"
    )


def test_decisions_read_no_clock_file_or_chance() -> None:
    assert_none(impurities(PRODUCT), "core and ml2 take what they need as arguments")
