"""Whose is it: what a caller sees, and what a caller may change, of the networking objects.

Another project's object does not exist for a caller who may not see it; one that is seen and not owned is refused
by the name of the rule, in Neutron's words.
"""

from mooring.errors import Forbidden
from mooring.model.identity import Caller


def scope_of(who: Caller) -> str | None:
    """The project that a caller's lists are limited to; ``None`` is no limit."""
    return None if who.is_privileged else who.project_id or ""


def is_visible(who: Caller, project_id: str) -> bool:
    return who.is_privileged or project_id == who.project_id


def is_mine(who: Caller, project_id: str) -> bool:
    """Whether the caller may change what belongs to ``project_id``."""
    return who.is_admin or project_id == who.project_id


def is_manager(who: Caller) -> bool:
    """Whether the caller may change what the managers of its project keep to themselves."""
    return who.is_admin or "manager" in who.roles


def is_managed_by(who: Caller, project_id: str) -> bool:
    """The same, of what belongs to ``project_id``."""
    return is_manager(who) and is_mine(who, project_id)


def denied(rule: str) -> Forbidden:
    return Forbidden(f"rule:{rule} is disallowed by policy")


def denied_attribute(rule: str, attribute: str, hint: str = "") -> Forbidden:
    return Forbidden(f"(rule:{rule} and rule:{rule}:{attribute}) is disallowed by policy", hint=hint)
