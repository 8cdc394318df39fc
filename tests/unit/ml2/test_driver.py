"""The contract: every method that ML2 calls is there and does nothing by itself."""

import logging
from itertools import product

import pytest

from mooring.ml2.driver import MechanismDriver
from tests.unit.ml2.ports import context

NOUNS, VERBS = ("network", "subnet", "port"), ("create", "update", "delete")
METHODS = [f"{verb}_{noun}_{when}" for verb, noun, when in product(VERBS, NOUNS, ("precommit", "postcommit"))]


@pytest.mark.parametrize("method", METHODS)
def test_every_precommit_and_postcommit_method_may_be_left_out_by_an_author(method: str) -> None:
    asked = context()
    assert getattr(MechanismDriver(), method)(asked) is None
    assert (asked.answer, asked.refusals) == (None, [])


def test_a_driver_binds_nothing_and_starts_without_doing_anything() -> None:
    driver, asked = MechanismDriver(), context()
    driver.initialize()
    driver.bind_port(asked)
    assert (asked.answer, asked.refusals) == (None, [])
    assert driver.connectivity == "legacy"


def test_in_a_neutron_that_keeps_no_reasons_the_log_does(caplog: pytest.LogCaptureFixture) -> None:
    class NeutronsContext:
        current = {"id": "port1"}  # noqa: RUF012  # Neutron's is an instance attribute; one port is enough here

    driver = MechanismDriver()
    driver.name = "sriovnicswitch"
    with caplog.at_level(logging.INFO):
        driver.refuse(NeutronsContext(), "not mine")
    assert caplog.messages == ["mechanism driver sriovnicswitch refuses port port1: not mine"]
