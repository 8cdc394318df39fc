"""The schema, once. Nothing here runs: ``sql.py`` compiles statements over these tables to text.

Conventions: ids are text; times are integer microseconds since the epoch; booleans are 0 and 1; tuples, mappings
and nested values are JSON text (``rows.py`` converts). A column's name is the dataclass field's name.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from mooring.store.triggers import triggers

METADATA = MetaData()


def _text(name: str, *args: object, **options: object) -> Column[str]:
    return Column(name, Text, *args, **{"nullable": False, **options})  # type: ignore[arg-type]  # SA's overloads


def _int(name: str, *args: object, **options: object) -> Column[int]:
    return Column(name, Integer, *args, **{"nullable": False, **options})  # type: ignore[arg-type]  # SA's overloads


def _id() -> Column[str]:
    return _text("id", primary_key=True)


# --- identity -------------------------------------------------------------------------------------------------

projects = Table(
    "projects", METADATA, _id(), _text("name"), _int("created_at"), _text("description"), _int("is_enabled"),
    _text("domain_id"), UniqueConstraint("domain_id", "name"),
)  # fmt: skip

users = Table(
    "users", METADATA, _id(), _text("name"), _text("password_hash"), _int("created_at"), _int("is_enabled"),
    _text("default_project_id", nullable=True), _text("email", nullable=True), _text("description", nullable=True),
    _text("domain_id"), UniqueConstraint("domain_id", "name"),
)  # fmt: skip

roles = Table("roles", METADATA, _id(), _text("name", unique=True), _text("description", nullable=True))

assignments = Table(
    "assignments", METADATA,
    _text("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    _text("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    _text("role_id", ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)  # fmt: skip

tokens = Table(
    "tokens", METADATA, _text("secret_hash", primary_key=True),
    _text("user_id", ForeignKey("users.id", ondelete="CASCADE"), index=True),
    _text("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=True),
    _int("issued_at"), _int("expires_at", index=True), _text("methods"), _text("audit_id"),
)  # fmt: skip

# --- networking -----------------------------------------------------------------------------------------------

networks = Table(
    "networks", METADATA, _id(), _text("project_id", index=True), _text("name", index=True), _int("created_at"),
    _int("updated_at"), _text("description"), _int("admin_state_up"), _int("shared"), _int("external"), _int("mtu"),
    _int("port_security_enabled"), _int("revision_number"), _text("tags"), _text("default_vnic_type", nullable=True),
    _int("is_default"), _text("qos_policy_id", ForeignKey("qos_policies.id"), nullable=True, index=True),
    _text("port_profile_id", ForeignKey("port_profiles.id"), nullable=True, index=True),
)  # fmt: skip

segments = Table(
    "segments", METADATA, _id(), _text("network_id", ForeignKey("networks.id", ondelete="CASCADE"), index=True),
    _text("network_type"), _text("physical_network"), _int("segmentation_id", nullable=True),
    _text("name", nullable=True), _text("description"), _int("is_dynamic"), _int("segment_index"),
    _int("revision_number"), _int("created_at", nullable=True), _int("updated_at", nullable=True),
    CheckConstraint("network_type != 'vlan' OR segmentation_id BETWEEN 1 AND 4094", name="vlan_in_range"),
)  # fmt: skip
Index(
    "one_network_per_vlan", segments.c.physical_network, segments.c.segmentation_id, unique=True,
    sqlite_where=segments.c.network_type == "vlan",
)  # fmt: skip
Index(
    "one_flat_network_per_physnet", segments.c.physical_network, unique=True,
    sqlite_where=segments.c.network_type == "flat",
)  # fmt: skip

subnets = Table(
    "subnets", METADATA, _id(), _text("network_id", ForeignKey("networks.id"), index=True),
    _text("project_id", index=True),
    _text("name", index=True), _int("ip_version"), _text("cidr"), _int("created_at"), _int("updated_at"),
    _text("gateway_ip", nullable=True), _int("enable_dhcp"), _text("allocation_pools"), _text("dns_nameservers"),
    _text("host_routes"), _text("ipv6_ra_mode", nullable=True), _text("ipv6_address_mode", nullable=True),
    _text("service_types"), _text("description"), _int("revision_number"), _text("tags"),
    # The network's own, copied in the transaction that changes them: lists of subnets filter by them.
    _int("shared"), _int("external"),
    _text("subnetpool_id", ForeignKey("subnetpools.id"), nullable=True, index=True),
    _text("segment_id", ForeignKey("segments.id"), nullable=True, index=True),
)  # fmt: skip

#: What is left of each physical network's configured VLANs, as ranges, both ends included. The position is that of the
#: physical network in the configuration, so that the first free VLAN of all is one look into the index.
free_vlans = Table(
    "free_vlans", METADATA, _text("physical_network", primary_key=True), _int("first", primary_key=True), _int("last"),
    _int("position"),
)  # fmt: skip
Index("free_vlans_in_order", free_vlans.c.position, free_vlans.c.first)

address_scopes = Table(
    "address_scopes", METADATA, _id(), _text("project_id", index=True), _text("name", index=True), _int("ip_version"),
    _int("shared"),
)  # fmt: skip

subnetpools = Table(
    "subnetpools", METADATA, _id(), _text("project_id", index=True), _text("name", index=True), _int("ip_version"),
    _text("prefixes"), _int("min_prefixlen"), _int("max_prefixlen"), _int("default_prefixlen"), _int("created_at"),
    _int("updated_at"), _int("default_quota", nullable=True),
    _text("address_scope_id", ForeignKey("address_scopes.id"), nullable=True, index=True), _int("shared"),
    _int("is_default"), _text("description"), _int("revision_number"), _text("tags"),
)  # fmt: skip

#: What is left of each subnet's pools, as ranges; addresses are 32 hex digits, so that text order is address order.
free_ranges = Table(
    "free_ranges", METADATA,
    _text("subnet_id", ForeignKey("subnets.id", ondelete="CASCADE"), primary_key=True),
    _text("first", primary_key=True), _text("last"),
)  # fmt: skip

ports = Table(
    "ports", METADATA, _id(), _text("network_id", ForeignKey("networks.id")), _text("project_id"),
    _text("name", index=True), _text("mac_address"), _int("created_at"), _int("updated_at"), _text("status"),
    _int("admin_state_up"), _text("fixed_ips"), _text("device_id", index=True), _text("device_owner"),
    _text("binding_host", index=True), _text("binding_vnic_type"), _text("binding_profile"), _text("binding_vif_type"),
    _text("binding_vif_details"), _text("binding_driver", nullable=True), _text("binding_segment_id", nullable=True),
    _text("binding_levels"), _text("binding_refusals"), _int("port_security_enabled"), _int("propagate_uplink_status"),
    _text("numa_affinity_policy", nullable=True), _int("trusted", nullable=True), _text("description"),
    _int("revision_number"), _text("tags"), _int("device_index"), _int("is_owned_by_server"),
    _text("fault", nullable=True), _text("device_tag", nullable=True),
    _text("qos_policy_id", ForeignKey("qos_policies.id"), nullable=True, index=True),
    _text("port_profile_id", ForeignKey("port_profiles.id"), nullable=True, index=True),
    _text("allowed_address_pairs"), _text("extra_dhcp_opts"), _text("security_group_ids"),
    _text("data_plane_status", nullable=True), _text("hints", nullable=True),
    _text("hardware_offload_type", nullable=True), _text("device_profile", nullable=True),
    UniqueConstraint("network_id", "mac_address", name="one_mac_per_network"),
)  # fmt: skip
#: A project's ports come out of it in the order in which lists and their pages want them.
Index("ports_of_project", ports.c.project_id, ports.c.id)
#: Whether others than its owner are on a network is two looks into it.
Index("ports_on_network", ports.c.network_id, ports.c.project_id)
#: DHCP servers' ports, by network: what every change of a network's ports asks for.
Index(
    "dhcp_ports", ports.c.device_owner, ports.c.network_id, sqlite_where=ports.c.device_owner == "network:dhcp"
)  # fmt: skip

ip_allocations = Table(
    "ip_allocations", METADATA, _text("subnet_id", ForeignKey("subnets.id"), primary_key=True),
    _text("address", primary_key=True), _text("ip_address", index=True),
    _text("port_id", ForeignKey("ports.id", ondelete="CASCADE"), index=True),
)  # fmt: skip

#: The inactive bindings of ports; the active one is the port's own.
port_bindings = Table(
    "port_bindings", METADATA, _id(), _text("port_id", ForeignKey("ports.id", ondelete="CASCADE")), _int("created_at"),
    _text("binding_host"), _text("binding_vnic_type"), _text("binding_profile"), _text("binding_vif_type"),
    _text("binding_vif_details"), _text("binding_driver", nullable=True), _text("binding_segment_id", nullable=True),
    _text("binding_levels"), _text("binding_refusals"), UniqueConstraint("port_id", "binding_host"),
)  # fmt: skip

#: A port profile is an upstream switch's: 802.1Qbh or 802.1BR. What ``upstream`` says was last read back from there.
port_profiles = Table(
    "port_profiles", METADATA, _id(), _text("name", unique=True), _int("created_at"), _int("updated_at"), _text("kind"),
    _text("vlans"), _text("physical_networks"), _text("description"), _int("max_ports"), _text("projects"),
    _int("revision_number"), _text("upstream"), _text("upstream_reason"), _int("upstream_at", nullable=True),
)  # fmt: skip

qos_policies = Table(
    "qos_policies", METADATA, _id(), _text("project_id", index=True), _text("name", index=True), _int("created_at"),
    _int("updated_at"), _text("description"), _int("shared"), _int("is_default"), _int("revision_number"),
    _text("tags"),
)  # fmt: skip

qos_rules = Table(
    "qos_rules", METADATA, _id(), _text("qos_policy_id", ForeignKey("qos_policies.id", ondelete="CASCADE"), index=True),
    _text("type"), _text("direction", nullable=True), _text("values"),
)  # fmt: skip

security_groups = Table(
    "security_groups", METADATA, _id(), _text("project_id", index=True), _text("name", index=True), _int("created_at"),
    _int("updated_at"), _text("description"), _int("stateful"), _int("shared"), _int("revision_number"), _text("tags"),
)  # fmt: skip
Index(
    "one_default_group_per_project", security_groups.c.project_id, unique=True,
    sqlite_where=security_groups.c.name == "default",
)  # fmt: skip

security_group_rules = Table(
    "security_group_rules", METADATA, _id(), _text("project_id", index=True), _int("created_at"), _int("updated_at"),
    _text("security_group_id", ForeignKey("security_groups.id", ondelete="CASCADE"), index=True), _text("direction"),
    _text("ethertype"), _text("protocol", nullable=True), _int("port_range_min", nullable=True),
    _int("port_range_max", nullable=True), _text("remote_ip_prefix", nullable=True),
    _text("remote_group_id", ForeignKey("security_groups.id", ondelete="CASCADE"), nullable=True, index=True),
    _text("description"), _int("revision_number"), _text("tags"),
)  # fmt: skip

#: ``ports.security_group_ids`` the other way round: which ports have a group.
port_security_groups = Table(
    "port_security_groups", METADATA,
    _text("port_id", ForeignKey("ports.id", ondelete="CASCADE"), primary_key=True),
    _text("security_group_id", ForeignKey("security_groups.id"), primary_key=True, index=True),
)  # fmt: skip

#: Who else may use an object: a project, or with "*" everybody. An object's ``shared`` column says the same of "*".
rbac_policies = Table(
    "rbac_policies", METADATA, _id(), _text("project_id", index=True), _text("object_type"), _text("object_id"),
    _text("action"), _text("target_project"), UniqueConstraint("object_id", "action", "target_project"),
)  # fmt: skip
Index("rbac_by_target", rbac_policies.c.target_project, rbac_policies.c.object_type)

quotas = Table(
    "quotas", METADATA, _text("project_id", primary_key=True), _text("resource", primary_key=True), _int("limit"),
)  # fmt: skip

#: How many of each a project has. Triggers keep it, so that no writer forgets to.
quota_usage = Table(
    "quota_usage", METADATA, _text("project_id", primary_key=True), _text("resource", primary_key=True), _int("used"),
)  # fmt: skip

# --- compute --------------------------------------------------------------------------------------------------

flavors = Table(
    "flavors", METADATA, _id(), _text("name", unique=True), _int("ram_mib"), _int("disk_gib"), _int("vcpus"),
    _int("created_at"), _int("ephemeral_gib"), _int("swap_mib"), Column("rxtx_factor", Float, nullable=False),
    _int("is_public"), _text("description", nullable=True), _text("extra_specs"),
)  # fmt: skip

images = Table(
    "images", METADATA, _id(), _text("name", index=True), _text("owner"), _int("created_at"), _int("updated_at"),
    _text("status"), _text("visibility"), _text("disk_format"), _text("container_format"), _int("min_disk_gib"),
    _int("min_ram_mib"), _int("size_bytes", nullable=True), _text("checksum", nullable=True), _int("protected"),
    _text("tags"), _text("properties"),
)  # fmt: skip

servers = Table(
    "servers", METADATA, _id(), _text("project_id", index=True), _text("user_id"), _text("name", index=True),
    _text("flavor"), _text("image_id", nullable=True), _int("created_at"), _int("updated_at"), _text("status"),
    _text("host", nullable=True, index=True), _int("generation"), _int("launched_at", nullable=True),
    _text("fault", nullable=True), _text("availability_zone", nullable=True), _text("metadata"),
    _text("description", nullable=True), _text("key_name", nullable=True), _text("user_data", nullable=True),
    _int("config_drive"), _text("tags"), _text("reservation_id"), _int("launch_index"),
    _text("server_group_id", ForeignKey("server_groups.id"), nullable=True, index=True), _text("numa_nodes"),
    _text("scheduler_hints"),
    _int("used_vcpus"), _int("used_memory_mib"), _int("used_disk_gib"),
)  # fmt: skip

server_groups = Table(
    "server_groups", METADATA, _id(), _text("name"), _text("project_id", index=True), _text("user_id"),
    _int("created_at"), _text("policy"), _int("max_server_per_host"),
)  # fmt: skip

# --- hosts ----------------------------------------------------------------------------------------------------

hosts = Table(
    "hosts", METADATA, _id(), _text("name", unique=True), _int("created_at"), _int("updated_at"),
    _text("key_hash", unique=True), _text("availability_zone"), _int("is_enabled"),
    _text("disabled_reason", nullable=True),
    _int("epoch"), _text("boot_id"), _text("agent_id"), _int("vcpus"), _int("memory_mib"), _int("disk_gib"),
    _text("hypervisor_type"), _int("hypervisor_version"), _text("bridge_mappings"), _text("device_mappings"),
    _int("started_at", nullable=True), _int("heard_at", nullable=True), _text("numa_cells"),
    _text("own_availability_zone"), _text("dhcp_interfaces"), _text("ovs_bridges"), _text("interface_mappings"),
    _text("infiniband_networks"),
)  # fmt: skip

#: The few that offer DHCP, asked for at every change of a port.
Index("dhcp_hosts", hosts.c.name, sqlite_where=hosts.c.dhcp_interfaces != "[]")

#: Which physical networks the hosts' cards and bridges are on, so that one can be asked for without reading the hosts.
host_physical_networks = Table(
    "host_physical_networks", METADATA, _text("physical_network", primary_key=True), _text("host", primary_key=True),
)  # fmt: skip
Index("physical_networks_of_host", host_physical_networks.c.host)

aggregates = Table(
    "aggregates", METADATA, Column("id", Integer, primary_key=True, autoincrement=True), _text("uuid", unique=True),
    _text("name", unique=True), _int("created_at"), _int("updated_at"), _text("hosts"), _text("metadata"),
    sqlite_autoincrement=True,
)  # fmt: skip

devices = Table(
    "devices", METADATA, _id(), _text("host", ForeignKey("hosts.name")), _text("address"), _text("kind"),
    _text("vendor_id"), _text("product_id"), _text("state"), _int("updated_at"), _int("generation"),
    _text("pf", nullable=True), _text("pf_netdev", nullable=True), _text("pf_mac", nullable=True),
    _int("vf_index", nullable=True), _int("vf_total", nullable=True), _int("vf_count", nullable=True),
    _text("driver", nullable=True), _text("netdev", nullable=True), _text("mac", nullable=True),
    _int("numa_node", nullable=True), _int("iommu_group", nullable=True), _int("link_speed_mbps", nullable=True),
    _text("physical_network", nullable=True), _int("is_offered"), _text("reason"), _text("observed", nullable=True),
    _int("verified_at", nullable=True), _int("trusted"), _text("tags"), _text("features"), _text("device_class"),
    UniqueConstraint("host", "address"),
)  # fmt: skip

pci_groups = Table(
    "pci_groups", METADATA, _id(), _text("name", unique=True), _int("created_at"), _int("updated_at"),
    _text("description"), _text("selectors"), _text("excludes"), _text("projects"),
    _text("default_vnic_type", nullable=True), _int("revision_number"),
)  # fmt: skip

#: UNIQUE(device_id), as the primary key, is what keeps two servers off one function.
claims = Table(
    "claims", METADATA, _text("device_id", ForeignKey("devices.id"), primary_key=True), _text("host", index=True),
    _text("address"), _text("server_id", ForeignKey("servers.id"), index=True),
    _text("port_id", nullable=True, unique=True),
    _int("generation"), _int("created_at"), _text("desired"), _int("is_releasing"), _text("request_id"),
)  # fmt: skip

# --- the trail ------------------------------------------------------------------------------------------------

#: Audit trail, resume token of streams, and what the page listens to. Written in the transaction that it tells of.
events = Table(
    "events", METADATA, Column("sequence", Integer, primary_key=True, autoincrement=True), _int("at"), _text("kind"),
    _text("ident"), _text("project_id", nullable=True), _text("host", nullable=True), _text("actor"),
    _text("request_id"), _text("detail"), sqlite_autoincrement=True,
)  # fmt: skip
Index("events_of_host", events.c.host, events.c.sequence)

#: What placing has to look at again, and the order in which it changed: triggers keep it, so that no writer forgets to.
#: One row a host at most; the empty name stands for what all hosts share, aggregates and PCI groups.
host_changes = Table(
    "host_changes", METADATA, Column("sequence", Integer, primary_key=True, autoincrement=True),
    _text("host", unique=True), sqlite_autoincrement=True,
)  # fmt: skip

#: What of the functions changed, and in which order, for those who watch them. One row a function at most; the empty
#: id stands for what no single function shows: one was removed with its host, or a PCI group or aggregate changed.
device_changes = Table(
    "device_changes", METADATA, Column("sequence", Integer, primary_key=True, autoincrement=True),
    _text("device_id", unique=True), sqlite_autoincrement=True,
)  # fmt: skip

TRIGGERS = triggers(shown_of_devices=[c.name for c in devices.c])

settings = Table("settings", METADATA, _text("name", primary_key=True), _text("value"))
