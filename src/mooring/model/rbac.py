"""Who else may use an object: Neutron's RBAC policies."""

from dataclasses import dataclass
from enum import StrEnum

#: The target that stands for all projects.
EVERYBODY = "*"


class ObjectType(StrEnum):
    NETWORK = "network"
    QOS_POLICY = "qos_policy"
    SUBNETPOOL = "subnetpool"
    ADDRESS_SCOPE = "address_scope"
    SECURITY_GROUP = "security_group"


class Action(StrEnum):
    SHARED = "access_as_shared"
    EXTERNAL = "access_as_external"
    """Of networks alone."""


@dataclass(frozen=True, slots=True)
class RbacPolicy:
    id: str
    project_id: str
    """Whose policy it is: the object's owner, as a rule."""
    object_type: ObjectType
    object_id: str
    action: Action
    target_project: str
