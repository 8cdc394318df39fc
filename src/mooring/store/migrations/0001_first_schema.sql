CREATE TABLE address_scopes (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_address_scopes_name ON address_scopes (name);

CREATE INDEX ix_address_scopes_project_id ON address_scopes (project_id);

CREATE TABLE aggregates (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    hosts TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (uuid),
    UNIQUE (name)
);

CREATE TABLE device_changes (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL,
    UNIQUE (device_id)
);

CREATE TABLE events (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    ident TEXT NOT NULL,
    project_id TEXT,
    host TEXT,
    actor TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX events_of_host ON events (host, sequence);

CREATE TABLE flavors (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    ram_mib INTEGER NOT NULL,
    disk_gib INTEGER NOT NULL,
    vcpus INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ephemeral_gib INTEGER NOT NULL,
    swap_mib INTEGER NOT NULL,
    rxtx_factor FLOAT NOT NULL,
    is_public INTEGER NOT NULL,
    description TEXT,
    extra_specs TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE free_vlans (
    physical_network TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (physical_network, first)
);

CREATE INDEX free_vlans_in_order ON free_vlans (position, first);

CREATE TABLE host_changes (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    UNIQUE (host)
);

CREATE TABLE host_physical_networks (
    physical_network TEXT NOT NULL,
    host TEXT NOT NULL,
    PRIMARY KEY (physical_network, host)
);

CREATE INDEX physical_networks_of_host ON host_physical_networks (host);

CREATE TABLE hosts (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    key_hash TEXT NOT NULL,
    availability_zone TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    disabled_reason TEXT,
    epoch INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    vcpus INTEGER NOT NULL,
    memory_mib INTEGER NOT NULL,
    disk_gib INTEGER NOT NULL,
    hypervisor_type TEXT NOT NULL,
    hypervisor_version INTEGER NOT NULL,
    bridge_mappings TEXT NOT NULL,
    device_mappings TEXT NOT NULL,
    started_at INTEGER,
    heard_at INTEGER,
    numa_cells TEXT NOT NULL,
    own_availability_zone TEXT NOT NULL,
    dhcp_interfaces TEXT NOT NULL,
    ovs_bridges TEXT NOT NULL,
    interface_mappings TEXT NOT NULL,
    infiniband_networks TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name),
    UNIQUE (key_hash)
);

CREATE INDEX dhcp_hosts ON hosts (name) WHERE dhcp_interfaces != '[]';

CREATE TABLE images (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    visibility TEXT NOT NULL,
    disk_format TEXT NOT NULL,
    container_format TEXT NOT NULL,
    min_disk_gib INTEGER NOT NULL,
    min_ram_mib INTEGER NOT NULL,
    size_bytes INTEGER,
    checksum TEXT,
    protected INTEGER NOT NULL,
    tags TEXT NOT NULL,
    properties TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_images_name ON images (name);

CREATE TABLE pci_groups (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    selectors TEXT NOT NULL,
    excludes TEXT NOT NULL,
    projects TEXT NOT NULL,
    default_vnic_type TEXT,
    revision_number INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE port_profiles (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    vlans TEXT NOT NULL,
    physical_networks TEXT NOT NULL,
    description TEXT NOT NULL,
    max_ports INTEGER NOT NULL,
    projects TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    upstream TEXT NOT NULL,
    upstream_reason TEXT NOT NULL,
    upstream_at INTEGER,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE projects (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    domain_id TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (domain_id, name)
);

CREATE TABLE qos_policies (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    shared INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_qos_policies_name ON qos_policies (name);

CREATE INDEX ix_qos_policies_project_id ON qos_policies (project_id);

CREATE TABLE quota_usage (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
);

CREATE TABLE quotas (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    "limit" INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
);

CREATE TABLE rbac_policies (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target_project TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (object_id, action, target_project)
);

CREATE INDEX ix_rbac_policies_project_id ON rbac_policies (project_id);

CREATE INDEX rbac_by_target ON rbac_policies (target_project, object_type);

CREATE TABLE roles (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE security_groups (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    stateful INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_security_groups_name ON security_groups (name);

CREATE INDEX ix_security_groups_project_id ON security_groups (project_id);

CREATE UNIQUE INDEX one_default_group_per_project ON security_groups (project_id) WHERE name = 'default';

CREATE TABLE server_groups (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    policy TEXT NOT NULL,
    max_server_per_host INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_server_groups_project_id ON server_groups (project_id);

CREATE TABLE settings (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE users (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    is_enabled INTEGER NOT NULL,
    default_project_id TEXT,
    email TEXT,
    description TEXT,
    domain_id TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (domain_id, name)
);

CREATE TABLE assignments (
    user_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    PRIMARY KEY (user_id, project_id, role_id),
    FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE,
    FOREIGN KEY(role_id) REFERENCES roles (id) ON DELETE CASCADE
);

CREATE TABLE devices (
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    state TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pf TEXT,
    pf_netdev TEXT,
    pf_mac TEXT,
    vf_index INTEGER,
    vf_total INTEGER,
    vf_count INTEGER,
    driver TEXT,
    netdev TEXT,
    mac TEXT,
    numa_node INTEGER,
    iommu_group INTEGER,
    link_speed_mbps INTEGER,
    physical_network TEXT,
    is_offered INTEGER NOT NULL,
    reason TEXT NOT NULL,
    observed TEXT,
    verified_at INTEGER,
    trusted INTEGER NOT NULL,
    tags TEXT NOT NULL,
    features TEXT NOT NULL,
    device_class TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (host, address),
    FOREIGN KEY(host) REFERENCES hosts (name)
);

CREATE TABLE networks (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    description TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    external INTEGER NOT NULL,
    mtu INTEGER NOT NULL,
    port_security_enabled INTEGER NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    default_vnic_type TEXT,
    is_default INTEGER NOT NULL,
    qos_policy_id TEXT,
    port_profile_id TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(qos_policy_id) REFERENCES qos_policies (id),
    FOREIGN KEY(port_profile_id) REFERENCES port_profiles (id)
);

CREATE INDEX ix_networks_name ON networks (name);

CREATE INDEX ix_networks_port_profile_id ON networks (port_profile_id);

CREATE INDEX ix_networks_project_id ON networks (project_id);

CREATE INDEX ix_networks_qos_policy_id ON networks (qos_policy_id);

CREATE TABLE qos_rules (
    id TEXT NOT NULL,
    qos_policy_id TEXT NOT NULL,
    type TEXT NOT NULL,
    direction TEXT,
    "values" TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(qos_policy_id) REFERENCES qos_policies (id) ON DELETE CASCADE
);

CREATE INDEX ix_qos_rules_qos_policy_id ON qos_rules (qos_policy_id);

CREATE TABLE security_group_rules (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    security_group_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT,
    port_range_min INTEGER,
    port_range_max INTEGER,
    remote_ip_prefix TEXT,
    remote_group_id TEXT,
    description TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(security_group_id) REFERENCES security_groups (id) ON DELETE CASCADE,
    FOREIGN KEY(remote_group_id) REFERENCES security_groups (id) ON DELETE CASCADE
);

CREATE INDEX ix_security_group_rules_project_id ON security_group_rules (project_id);

CREATE INDEX ix_security_group_rules_remote_group_id ON security_group_rules (remote_group_id);

CREATE INDEX ix_security_group_rules_security_group_id ON security_group_rules (security_group_id);

CREATE TABLE servers (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    flavor TEXT NOT NULL,
    image_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    host TEXT,
    generation INTEGER NOT NULL,
    launched_at INTEGER,
    fault TEXT,
    availability_zone TEXT,
    metadata TEXT NOT NULL,
    description TEXT,
    key_name TEXT,
    user_data TEXT,
    config_drive INTEGER NOT NULL,
    tags TEXT NOT NULL,
    reservation_id TEXT NOT NULL,
    launch_index INTEGER NOT NULL,
    server_group_id TEXT,
    numa_nodes TEXT NOT NULL,
    scheduler_hints TEXT NOT NULL,
    used_vcpus INTEGER NOT NULL,
    used_memory_mib INTEGER NOT NULL,
    used_disk_gib INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(server_group_id) REFERENCES server_groups (id)
);

CREATE INDEX ix_servers_host ON servers (host);

CREATE INDEX ix_servers_name ON servers (name);

CREATE INDEX ix_servers_project_id ON servers (project_id);

CREATE INDEX ix_servers_server_group_id ON servers (server_group_id);

CREATE TABLE subnetpools (
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    prefixes TEXT NOT NULL,
    min_prefixlen INTEGER NOT NULL,
    max_prefixlen INTEGER NOT NULL,
    default_prefixlen INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    default_quota INTEGER,
    address_scope_id TEXT,
    shared INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    description TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(address_scope_id) REFERENCES address_scopes (id)
);

CREATE INDEX ix_subnetpools_address_scope_id ON subnetpools (address_scope_id);

CREATE INDEX ix_subnetpools_name ON subnetpools (name);

CREATE INDEX ix_subnetpools_project_id ON subnetpools (project_id);

CREATE TABLE tokens (
    secret_hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    project_id TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    methods TEXT NOT NULL,
    audit_id TEXT NOT NULL,
    PRIMARY KEY (secret_hash),
    FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);

CREATE INDEX ix_tokens_expires_at ON tokens (expires_at);

CREATE INDEX ix_tokens_user_id ON tokens (user_id);

CREATE TABLE claims (
    device_id TEXT NOT NULL,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    server_id TEXT NOT NULL,
    port_id TEXT,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    desired TEXT NOT NULL,
    is_releasing INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (device_id),
    FOREIGN KEY(device_id) REFERENCES devices (id),
    FOREIGN KEY(server_id) REFERENCES servers (id),
    UNIQUE (port_id)
);

CREATE INDEX ix_claims_host ON claims (host);

CREATE INDEX ix_claims_server_id ON claims (server_id);

CREATE TABLE ports (
    id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    mac_address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    fixed_ips TEXT NOT NULL,
    device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL,
    binding_host TEXT NOT NULL,
    binding_vnic_type TEXT NOT NULL,
    binding_profile TEXT NOT NULL,
    binding_vif_type TEXT NOT NULL,
    binding_vif_details TEXT NOT NULL,
    binding_driver TEXT,
    binding_segment_id TEXT,
    binding_levels TEXT NOT NULL,
    binding_refusals TEXT NOT NULL,
    port_security_enabled INTEGER NOT NULL,
    propagate_uplink_status INTEGER NOT NULL,
    numa_affinity_policy TEXT,
    trusted INTEGER,
    description TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    device_index INTEGER NOT NULL,
    is_owned_by_server INTEGER NOT NULL,
    fault TEXT,
    device_tag TEXT,
    qos_policy_id TEXT,
    port_profile_id TEXT,
    allowed_address_pairs TEXT NOT NULL,
    extra_dhcp_opts TEXT NOT NULL,
    security_group_ids TEXT NOT NULL,
    data_plane_status TEXT,
    hints TEXT,
    hardware_offload_type TEXT,
    device_profile TEXT,
    PRIMARY KEY (id),
    CONSTRAINT one_mac_per_network UNIQUE (network_id, mac_address),
    FOREIGN KEY(network_id) REFERENCES networks (id),
    FOREIGN KEY(qos_policy_id) REFERENCES qos_policies (id),
    FOREIGN KEY(port_profile_id) REFERENCES port_profiles (id)
);

CREATE INDEX dhcp_ports ON ports (device_owner, network_id) WHERE device_owner = 'network:dhcp';

CREATE INDEX ix_ports_binding_host ON ports (binding_host);

CREATE INDEX ix_ports_device_id ON ports (device_id);

CREATE INDEX ix_ports_name ON ports (name);

CREATE INDEX ix_ports_port_profile_id ON ports (port_profile_id);

CREATE INDEX ix_ports_qos_policy_id ON ports (qos_policy_id);

CREATE INDEX ports_of_project ON ports (project_id, id);

CREATE INDEX ports_on_network ON ports (network_id, project_id);

CREATE TABLE segments (
    id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    network_type TEXT NOT NULL,
    physical_network TEXT NOT NULL,
    segmentation_id INTEGER,
    name TEXT,
    description TEXT NOT NULL,
    is_dynamic INTEGER NOT NULL,
    segment_index INTEGER NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at INTEGER,
    updated_at INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT vlan_in_range CHECK (network_type != 'vlan' OR segmentation_id BETWEEN 1 AND 4094),
    FOREIGN KEY(network_id) REFERENCES networks (id) ON DELETE CASCADE
);

CREATE INDEX ix_segments_network_id ON segments (network_id);

CREATE UNIQUE INDEX one_flat_network_per_physnet ON segments (physical_network) WHERE network_type = 'flat';

CREATE UNIQUE INDEX one_network_per_vlan ON segments (physical_network, segmentation_id) WHERE network_type = 'vlan';

CREATE TABLE port_bindings (
    id TEXT NOT NULL,
    port_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    binding_host TEXT NOT NULL,
    binding_vnic_type TEXT NOT NULL,
    binding_profile TEXT NOT NULL,
    binding_vif_type TEXT NOT NULL,
    binding_vif_details TEXT NOT NULL,
    binding_driver TEXT,
    binding_segment_id TEXT,
    binding_levels TEXT NOT NULL,
    binding_refusals TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (port_id, binding_host),
    FOREIGN KEY(port_id) REFERENCES ports (id) ON DELETE CASCADE
);

CREATE TABLE port_security_groups (
    port_id TEXT NOT NULL,
    security_group_id TEXT NOT NULL,
    PRIMARY KEY (port_id, security_group_id),
    FOREIGN KEY(port_id) REFERENCES ports (id) ON DELETE CASCADE,
    FOREIGN KEY(security_group_id) REFERENCES security_groups (id)
);

CREATE INDEX ix_port_security_groups_security_group_id ON port_security_groups (security_group_id);

CREATE TABLE subnets (
    id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    cidr TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    gateway_ip TEXT,
    enable_dhcp INTEGER NOT NULL,
    allocation_pools TEXT NOT NULL,
    dns_nameservers TEXT NOT NULL,
    host_routes TEXT NOT NULL,
    ipv6_ra_mode TEXT,
    ipv6_address_mode TEXT,
    service_types TEXT NOT NULL,
    description TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    tags TEXT NOT NULL,
    shared INTEGER NOT NULL,
    external INTEGER NOT NULL,
    subnetpool_id TEXT,
    segment_id TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(network_id) REFERENCES networks (id),
    FOREIGN KEY(subnetpool_id) REFERENCES subnetpools (id),
    FOREIGN KEY(segment_id) REFERENCES segments (id)
);

CREATE INDEX ix_subnets_name ON subnets (name);

CREATE INDEX ix_subnets_network_id ON subnets (network_id);

CREATE INDEX ix_subnets_project_id ON subnets (project_id);

CREATE INDEX ix_subnets_segment_id ON subnets (segment_id);

CREATE INDEX ix_subnets_subnetpool_id ON subnets (subnetpool_id);

CREATE TABLE free_ranges (
    subnet_id TEXT NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    PRIMARY KEY (subnet_id, first),
    FOREIGN KEY(subnet_id) REFERENCES subnets (id) ON DELETE CASCADE
);

CREATE TABLE ip_allocations (
    subnet_id TEXT NOT NULL,
    address TEXT NOT NULL,
    ip_address TEXT NOT NULL,
    port_id TEXT NOT NULL,
    PRIMARY KEY (subnet_id, address),
    FOREIGN KEY(subnet_id) REFERENCES subnets (id),
    FOREIGN KEY(port_id) REFERENCES ports (id) ON DELETE CASCADE
);

CREATE INDEX ix_ip_allocations_ip_address ON ip_allocations (ip_address);

CREATE INDEX ix_ip_allocations_port_id ON ip_allocations (port_id);

CREATE TRIGGER devices_insert_new AFTER INSERT ON devices BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT NEW.host WHERE NEW.host IS NOT NULL; END;

CREATE TRIGGER devices_delete_old AFTER DELETE ON devices BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT OLD.host WHERE OLD.host IS NOT NULL; END;

CREATE TRIGGER devices_update_new AFTER UPDATE ON devices WHEN OLD.kind IS NOT NEW.kind OR OLD.state IS NOT NEW.state OR OLD.is_offered IS NOT NEW.is_offered OR OLD.physical_network IS NOT NEW.physical_network OR OLD.pf IS NOT NEW.pf OR OLD.vf_count IS NOT NEW.vf_count OR OLD.numa_node IS NOT NEW.numa_node OR OLD.iommu_group IS NOT NEW.iommu_group OR OLD.trusted IS NOT NEW.trusted OR OLD.tags IS NOT NEW.tags OR OLD.features IS NOT NEW.features OR OLD.link_speed_mbps IS NOT NEW.link_speed_mbps OR OLD.vendor_id IS NOT NEW.vendor_id OR OLD.product_id IS NOT NEW.product_id OR OLD.device_class IS NOT NEW.device_class OR OLD.reason IS NOT NEW.reason BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT NEW.host WHERE NEW.host IS NOT NULL; END;

CREATE TRIGGER devices_update_old AFTER UPDATE ON devices WHEN OLD.host IS NOT NEW.host BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT OLD.host WHERE OLD.host IS NOT NULL; END;

CREATE TRIGGER servers_insert_new AFTER INSERT ON servers BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT NEW.host WHERE NEW.host IS NOT NULL; END;

CREATE TRIGGER servers_delete_old AFTER DELETE ON servers BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT OLD.host WHERE OLD.host IS NOT NULL; END;

CREATE TRIGGER servers_update_new AFTER UPDATE ON servers WHEN OLD.host IS NOT NEW.host OR OLD.used_vcpus IS NOT NEW.used_vcpus OR OLD.used_memory_mib IS NOT NEW.used_memory_mib OR OLD.used_disk_gib IS NOT NEW.used_disk_gib OR OLD.server_group_id IS NOT NEW.server_group_id OR OLD.numa_nodes IS NOT NEW.numa_nodes BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT NEW.host WHERE NEW.host IS NOT NULL; END;

CREATE TRIGGER servers_update_old AFTER UPDATE ON servers WHEN OLD.host IS NOT NEW.host BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT OLD.host WHERE OLD.host IS NOT NULL; END;

CREATE TRIGGER hosts_insert_new AFTER INSERT ON hosts BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT NEW.name WHERE NEW.name IS NOT NULL; END;

CREATE TRIGGER hosts_delete_old AFTER DELETE ON hosts BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT OLD.name WHERE OLD.name IS NOT NULL; END;

CREATE TRIGGER hosts_update_new AFTER UPDATE ON hosts WHEN OLD.is_enabled IS NOT NEW.is_enabled OR OLD.disabled_reason IS NOT NEW.disabled_reason OR OLD.availability_zone IS NOT NEW.availability_zone OR OLD.vcpus IS NOT NEW.vcpus OR OLD.memory_mib IS NOT NEW.memory_mib OR OLD.disk_gib IS NOT NEW.disk_gib OR OLD.numa_cells IS NOT NEW.numa_cells BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT NEW.name WHERE NEW.name IS NOT NULL; END;

CREATE TRIGGER hosts_update_old AFTER UPDATE ON hosts WHEN OLD.name IS NOT NEW.name BEGIN INSERT OR REPLACE INTO host_changes (host) SELECT OLD.name WHERE OLD.name IS NOT NULL; END;

CREATE TRIGGER aggregates_insert AFTER INSERT ON aggregates BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (''); END;

CREATE TRIGGER aggregates_update AFTER UPDATE ON aggregates BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (''); END;

CREATE TRIGGER aggregates_delete AFTER DELETE ON aggregates BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (''); END;

CREATE TRIGGER pci_groups_insert AFTER INSERT ON pci_groups BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (''); END;

CREATE TRIGGER pci_groups_update AFTER UPDATE ON pci_groups BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (''); END;

CREATE TRIGGER pci_groups_delete AFTER DELETE ON pci_groups BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (''); END;

CREATE TRIGGER claims_update_promised AFTER UPDATE ON claims WHEN OLD.desired IS NOT NEW.desired BEGIN INSERT OR REPLACE INTO host_changes (host) VALUES (NEW.host); END;

CREATE TRIGGER devices_insert_shown AFTER INSERT ON devices BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (NEW.id); END;

CREATE TRIGGER devices_update_shown AFTER UPDATE ON devices WHEN OLD.kind IS NOT NEW.kind OR OLD.vendor_id IS NOT NEW.vendor_id OR OLD.product_id IS NOT NEW.product_id OR OLD.state IS NOT NEW.state OR OLD.generation IS NOT NEW.generation OR OLD.pf IS NOT NEW.pf OR OLD.pf_netdev IS NOT NEW.pf_netdev OR OLD.pf_mac IS NOT NEW.pf_mac OR OLD.vf_index IS NOT NEW.vf_index OR OLD.vf_total IS NOT NEW.vf_total OR OLD.vf_count IS NOT NEW.vf_count OR OLD.driver IS NOT NEW.driver OR OLD.netdev IS NOT NEW.netdev OR OLD.mac IS NOT NEW.mac OR OLD.numa_node IS NOT NEW.numa_node OR OLD.iommu_group IS NOT NEW.iommu_group OR OLD.link_speed_mbps IS NOT NEW.link_speed_mbps OR OLD.physical_network IS NOT NEW.physical_network OR OLD.is_offered IS NOT NEW.is_offered OR OLD.reason IS NOT NEW.reason OR OLD.observed IS NOT NEW.observed OR OLD.trusted IS NOT NEW.trusted OR OLD.tags IS NOT NEW.tags OR OLD.features IS NOT NEW.features OR OLD.device_class IS NOT NEW.device_class BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (NEW.id); END;

CREATE TRIGGER devices_delete_shown AFTER DELETE ON devices BEGIN DELETE FROM device_changes WHERE device_id = OLD.id; INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER claims_insert_shown AFTER INSERT ON claims BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (NEW.device_id); END;

CREATE TRIGGER claims_update_shown AFTER UPDATE ON claims WHEN OLD.server_id IS NOT NEW.server_id OR OLD.port_id IS NOT NEW.port_id OR OLD.desired IS NOT NEW.desired OR OLD.is_releasing IS NOT NEW.is_releasing OR OLD.request_id IS NOT NEW.request_id BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (NEW.device_id); END;

CREATE TRIGGER claims_delete_shown AFTER DELETE ON claims BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (OLD.device_id); END;

CREATE TRIGGER servers_update_shown AFTER UPDATE ON servers WHEN OLD.name IS NOT NEW.name BEGIN INSERT OR REPLACE INTO device_changes (device_id) SELECT device_id FROM claims WHERE server_id = NEW.id; END;

CREATE TRIGGER aggregates_insert_shown AFTER INSERT ON aggregates BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER aggregates_update_shown AFTER UPDATE ON aggregates BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER aggregates_delete_shown AFTER DELETE ON aggregates BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER pci_groups_insert_shown AFTER INSERT ON pci_groups BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER pci_groups_update_shown AFTER UPDATE ON pci_groups BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER pci_groups_delete_shown AFTER DELETE ON pci_groups BEGIN INSERT OR REPLACE INTO device_changes (device_id) VALUES (''); END;

CREATE TRIGGER hosts_insert_physical_networks AFTER INSERT ON hosts BEGIN INSERT INTO host_physical_networks (physical_network, host) SELECT key, NEW.name FROM json_each(NEW.bridge_mappings) UNION SELECT key, NEW.name FROM json_each(NEW.interface_mappings) UNION SELECT key, NEW.name FROM json_each(NEW.device_mappings); END;

CREATE TRIGGER hosts_update_physical_networks AFTER UPDATE ON hosts WHEN OLD.name IS NOT NEW.name OR OLD.bridge_mappings IS NOT NEW.bridge_mappings OR OLD.interface_mappings IS NOT NEW.interface_mappings OR OLD.device_mappings IS NOT NEW.device_mappings BEGIN DELETE FROM host_physical_networks WHERE host = OLD.name; INSERT INTO host_physical_networks (physical_network, host) SELECT key, NEW.name FROM json_each(NEW.bridge_mappings) UNION SELECT key, NEW.name FROM json_each(NEW.interface_mappings) UNION SELECT key, NEW.name FROM json_each(NEW.device_mappings); END;

CREATE TRIGGER hosts_delete_physical_networks AFTER DELETE ON hosts BEGIN DELETE FROM host_physical_networks WHERE host = OLD.name; END;

CREATE TRIGGER projects_forget_quotas AFTER DELETE ON projects BEGIN DELETE FROM quotas WHERE project_id = OLD.id; END;

CREATE TRIGGER networks_one_more AFTER INSERT ON networks BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'network', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER networks_one_less AFTER DELETE ON networks BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'network'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'network' AND used = 0; END;

CREATE TRIGGER networks_new_owner AFTER UPDATE ON networks WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'network'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'network' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'network', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER subnets_one_more AFTER INSERT ON subnets BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'subnet', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER subnets_one_less AFTER DELETE ON subnets BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'subnet'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'subnet' AND used = 0; END;

CREATE TRIGGER subnets_new_owner AFTER UPDATE ON subnets WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'subnet'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'subnet' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'subnet', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER ports_one_more AFTER INSERT ON ports BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'port', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER ports_one_less AFTER DELETE ON ports BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'port'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'port' AND used = 0; END;

CREATE TRIGGER ports_new_owner AFTER UPDATE ON ports WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'port'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'port' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'port', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER subnetpools_one_more AFTER INSERT ON subnetpools BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'subnetpool', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER subnetpools_one_less AFTER DELETE ON subnetpools BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'subnetpool'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'subnetpool' AND used = 0; END;

CREATE TRIGGER subnetpools_new_owner AFTER UPDATE ON subnetpools WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'subnetpool'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'subnetpool' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'subnetpool', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER address_scopes_one_more AFTER INSERT ON address_scopes BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'address_scope', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER address_scopes_one_less AFTER DELETE ON address_scopes BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'address_scope'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'address_scope' AND used = 0; END;

CREATE TRIGGER address_scopes_new_owner AFTER UPDATE ON address_scopes WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'address_scope'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'address_scope' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'address_scope', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER rbac_policies_one_more AFTER INSERT ON rbac_policies BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'rbac_policy', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER rbac_policies_one_less AFTER DELETE ON rbac_policies BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'rbac_policy'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'rbac_policy' AND used = 0; END;

CREATE TRIGGER rbac_policies_new_owner AFTER UPDATE ON rbac_policies WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'rbac_policy'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'rbac_policy' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'rbac_policy', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER security_groups_one_more AFTER INSERT ON security_groups BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'security_group', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER security_groups_one_less AFTER DELETE ON security_groups BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'security_group'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'security_group' AND used = 0; END;

CREATE TRIGGER security_groups_new_owner AFTER UPDATE ON security_groups WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'security_group'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'security_group' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'security_group', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER security_group_rules_one_more AFTER INSERT ON security_group_rules BEGIN INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'security_group_rule', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;

CREATE TRIGGER security_group_rules_one_less AFTER DELETE ON security_group_rules BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'security_group_rule'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'security_group_rule' AND used = 0; END;

CREATE TRIGGER security_group_rules_new_owner AFTER UPDATE ON security_group_rules WHEN OLD.project_id IS NOT NEW.project_id BEGIN UPDATE quota_usage SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'security_group_rule'; DELETE FROM quota_usage WHERE project_id = OLD.project_id AND resource = 'security_group_rule' AND used = 0; INSERT INTO quota_usage (project_id, resource, used) VALUES (NEW.project_id, 'security_group_rule', 1) ON CONFLICT (project_id, resource) DO UPDATE SET used = used + 1; END;
