"""Triggers: what one table keeps of others, so that no writer forgets to."""

from collections.abc import Iterable

_PLACED_BY = {
    "devices": (
        "kind", "state", "is_offered", "physical_network", "pf", "vf_count", "numa_node", "iommu_group", "trusted",
        "tags", "features", "link_speed_mbps", "vendor_id", "product_id", "device_class", "reason",
    ),
    "servers": ("host", "used_vcpus", "used_memory_mib", "used_disk_gib", "server_group_id", "numa_nodes"),
    "hosts": (
        "is_enabled", "disabled_reason", "availability_zone", "vcpus", "memory_mib", "disk_gib", "numa_cells",
    ),
}  # fmt: skip
"""What of a host placing goes by."""
_HOST_OF = {"devices": "host", "servers": "host", "hosts": "name"}
_VERBS = ("INSERT", "UPDATE", "DELETE")
#: What projects have quotas of: the resource's name, and its table's.
COUNTED = {
    "network": "networks",
    "subnet": "subnets",
    "port": "ports",
    "subnetpool": "subnetpools",
    "address_scope": "address_scopes",
    "rbac_policy": "rbac_policies",
    "security_group": "security_groups",
    "security_group_rule": "security_group_rules",
}


def _differs(columns: Iterable[str]) -> str:
    return " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)


def _host_triggers() -> tuple[str, ...]:
    """Statements, each on one line. ``INSERT OR REPLACE`` gives a host that changes again a new, higher number."""
    made = []
    note = "INSERT OR REPLACE INTO host_changes (host) "
    for table, columns in _PLACED_BY.items():
        host = _HOST_OF[table]
        for verb, row, when in (
            ("INSERT", "NEW", ""), ("DELETE", "OLD", ""), ("UPDATE", "NEW", f" WHEN {_differs(columns)}"),
            ("UPDATE", "OLD", f" WHEN OLD.{host} IS NOT NEW.{host}"),
        ):  # fmt: skip
            name = f"{table}_{verb.lower()}_{row.lower()}"
            select = f"SELECT {row}.{host} WHERE {row}.{host} IS NOT NULL"
            made.append(f"CREATE TRIGGER {name} AFTER {verb} ON {table}{when} BEGIN {note}{select}; END")
    for table in ("aggregates", "pci_groups"):
        made += [
            f"CREATE TRIGGER {table}_{verb.lower()} AFTER {verb} ON {table} BEGIN {note}VALUES (''); END"
            for verb in _VERBS
        ]
    # What a running owner was promised of its PF's link: a claim that comes or goes moves its device's state too.
    promised = "OLD.desired IS NOT NEW.desired"
    made.append(
        f"CREATE TRIGGER claims_update_promised AFTER UPDATE ON claims WHEN {promised} "
        f"BEGIN {note}VALUES (NEW.host); END"
    )
    return tuple(made)


def _device_triggers(columns: Iterable[str]) -> tuple[str, ...]:
    """The same of functions, whose ``columns`` these are.

    That one was read back once more, and is as it was, is no change.
    """
    note = "INSERT OR REPLACE INTO device_changes (device_id) "
    shown = [name for name in columns if name not in ("id", "host", "address", "updated_at", "verified_at")]
    owned = ("server_id", "port_id", "desired", "is_releasing", "request_id")
    of_server = "SELECT device_id FROM claims WHERE server_id = NEW.id"
    forget, anything = "DELETE FROM device_changes WHERE device_id = OLD.id", f"{note}VALUES ('')"
    changes = (
        ("INSERT ON devices", f"{note}VALUES (NEW.id)"),
        (f"UPDATE ON devices WHEN {_differs(shown)}", f"{note}VALUES (NEW.id)"),
        ("DELETE ON devices", f"{forget}; {anything}"),
        ("INSERT ON claims", f"{note}VALUES (NEW.device_id)"),
        (f"UPDATE ON claims WHEN {_differs(owned)}", f"{note}VALUES (NEW.device_id)"),
        ("DELETE ON claims", f"{note}VALUES (OLD.device_id)"),
        (f"UPDATE ON servers WHEN {_differs(['name'])}", note + of_server),
        *((f"{verb} ON {table}", anything) for table in ("aggregates", "pci_groups") for verb in _VERBS),
    )
    named = [(when, change, "_".join(reversed(when.split()[:3:2])).lower()) for when, change in changes]
    return tuple(f"CREATE TRIGGER {name}_shown AFTER {when} BEGIN {change}; END" for when, change, name in named)


def _physical_network_triggers() -> tuple[str, ...]:
    """``host_physical_networks`` follows what the hosts say of their bridges and cards."""
    forget = "DELETE FROM host_physical_networks WHERE host = OLD.name; "
    note = (
        "INSERT INTO host_physical_networks (physical_network, host) "
        "SELECT key, NEW.name FROM json_each(NEW.bridge_mappings) UNION "
        "SELECT key, NEW.name FROM json_each(NEW.interface_mappings) UNION "
        "SELECT key, NEW.name FROM json_each(NEW.device_mappings); "
    )
    differs = _differs(("name", "bridge_mappings", "interface_mappings", "device_mappings"))
    changes = {
        "insert": f"INSERT ON hosts BEGIN {note}",
        "update": f"UPDATE ON hosts WHEN {differs} BEGIN {forget}{note}",
        "delete": f"DELETE ON hosts BEGIN {forget}",
    }
    return tuple(f"CREATE TRIGGER hosts_{verb}_physical_networks AFTER {change}END" for verb, change in changes.items())


def _quota_triggers() -> tuple[str, ...]:
    """Each row that comes or goes is one more or one less of its project; a count of nothing is no row."""
    add = "INSERT INTO quota_usage (project_id, resource, used) "
    subtract, clear = "UPDATE quota_usage SET used = used - 1 ", "DELETE FROM quota_usage "
    forget = "DELETE FROM quotas WHERE project_id = OLD.id"
    made = [f"CREATE TRIGGER projects_forget_quotas AFTER DELETE ON projects BEGIN {forget}; END"]
    for resource, table in COUNTED.items():
        one = f"VALUES (NEW.project_id, '{resource}', 1)"
        one_more = f"{add}{one} ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1"
        of_old = f"WHERE project_id = OLD.project_id AND resource = '{resource}'"
        one_less = f"{subtract}{of_old}; {clear}{of_old} AND used = 0"
        moved = f"UPDATE ON {table} WHEN {_differs(['project_id'])}"
        made += [
            f"CREATE TRIGGER {table}_one_more AFTER INSERT ON {table} BEGIN {one_more}; END",
            f"CREATE TRIGGER {table}_one_less AFTER DELETE ON {table} BEGIN {one_less}; END",
            f"CREATE TRIGGER {table}_new_owner AFTER {moved} BEGIN {one_less}; {one_more}; END",
        ]
    return tuple(made)


def triggers(shown_of_devices: Iterable[str]) -> tuple[str, ...]:
    """All of them, each a statement on one line."""
    return (
        *_host_triggers(), *_device_triggers(shown_of_devices), *_physical_network_triggers(), *_quota_triggers()
    )  # fmt: skip
