"""``explain``: the answer of the placing engine for every host, with nothing created."""

from collections.abc import Mapping

from mooring.core.explain import fault_details, fault_message
from mooring.model.identity import Caller
from mooring.service.placement import choose
from mooring.service.servers import ServerWish, look_up_wish
from mooring.service.world import World
from mooring.store.tx import Tx


def explain(tx: Tx, world: World, who: Caller, wish: ServerWish) -> Mapping[str, object]:
    """For a privileged caller host by host, with the exact devices or the reason; for others in counts only."""
    flavor, nics = look_up_wish(tx, world, who, wish)
    answers = choose(tx, world, flavor, nics, wish.availability_zone, wish.forced_host, is_first_enough=False)
    summary: dict[str, object] = {
        "is_possible": bool(answers.choices),
        "hosts_that_would_do": len(answers.choices),
        "message": "" if answers.choices else fault_message(answers.shortages),
    }
    if not who.is_privileged:
        return summary
    yes = [
        {
            "host": choice.host,
            "answer": "yes",
            "devices": {port: str(device.address) for port, device in choice.devices.items()},
            "bindings": {port: bound.driver for port, bound in choice.bindings.items()},
        }
        for choice in answers.choices
    ]
    no = [
        {"host": shortage.host, "answer": "no", "constraint": shortage.constraint, "reason": shortage.text}
        for shortage in answers.shortages
    ]
    return {**summary, "hosts": [*yes, *no], "details": fault_details(answers.shortages)}
