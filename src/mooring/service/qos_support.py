"""Which QoS rules the loaded drivers support, and whether a bound port can have a rule."""

from collections.abc import Iterable, Mapping
from typing import Any

from mooring.errors import Conflict
from mooring.ml2.driver import MechanismDriver
from mooring.ml2.qos_rules import Parameter, SupportedRules, supports
from mooring.model.port import Port
from mooring.model.qos import QosRule, RuleType
from mooring.service.world import World
from mooring.store import qos
from mooring.store.tx import Tx


def _rules_of(driver: MechanismDriver) -> SupportedRules:
    # Of a driver of somebody else's that knows no QoS, there is nothing to read.
    found: SupportedRules = getattr(driver, "supported_qos_rules", {})
    return found


def by_driver(world: World) -> Mapping[str, SupportedRules]:
    """Each loaded driver's, in the order of the configuration."""
    return {driver.name: _rules_of(driver) for driver in world.ml2.drivers}


def check_rules_for(tx: Tx, world: World, port: Port, policy_id: str) -> None:
    """Raise Conflict when a port that is bound cannot have a rule of the policy that it is to go by.

    A port that is not bound can be bound to what supports it, so it is not asked, as in Neutron.
    """
    check_rules(world, port, qos.rules_of(tx, [policy_id]).get(policy_id, ()))


def check_rules(world: World, port: Port, rules: Iterable[QosRule]) -> None:
    """The same of some rules."""
    if not port.binding.is_bound:
        return
    supported = by_driver(world).get(port.binding.driver or "", {})
    for rule in rules:
        if not supports(supported, rule.type.value, values_of(rule)):
            raise Conflict(
                f"Rule {rule.type} is not supported by port {port.id}",
                code="QosRuleNotSupported",
                hint=f"its mechanism driver {port.binding.driver} supports {_said(supported.get(rule.type.value))}",
            )


def _said(parameters: Mapping[str, Parameter] | None) -> str:
    if parameters is None:
        return "no such rule"
    directions = ", ".join(str(value) for value in parameters.get("direction", {}).get("type:values", ()))
    return f"it for {directions}" if directions else "other values"


def values_of(rule: QosRule) -> dict[str, Any]:
    """A rule's parameters, its direction among them."""
    direction = {} if rule.direction is None else {"direction": rule.direction.value}
    return {**rule.values, **direction}


def rule_types(world: World, *, all_supported: bool = False, all_rules: bool = False) -> list[RuleType]:
    """What every driver supports that supports QoS at all; or what any does; or all that the API takes."""
    if all_rules:
        return list(RuleType)
    loaded = [rules for rules in by_driver(world).values() if rules]
    is_there = any if all_supported else all
    return [kind for kind in RuleType if loaded and is_there(kind.value in rules for rules in loaded)]


def rule_type_drivers(world: World, kind: RuleType) -> list[dict[str, Any]]:
    """The drivers that support a rule type, each with its parameters, as the API shows them."""
    return [
        {"name": name, "supported_parameters": [_shown(*pair) for pair in rules[kind.value].items()]}
        for name, rules in sorted(by_driver(world).items())
        if kind.value in rules
    ]


def _shown(name: str, parameter: Parameter) -> dict[str, Any]:
    if "type:range" in parameter:
        low, high = parameter["type:range"]
        return {"parameter_name": name, "parameter_type": "range", "parameter_values": {"start": low, "end": high}}
    return {"parameter_name": name, "parameter_type": "choices", "parameter_values": list(parameter["type:values"])}
