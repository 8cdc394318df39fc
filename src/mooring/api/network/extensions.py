"""The extensions that work here, by alias. What is not listed is not asked for: clients look before they call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Extension:
    alias: str
    name: str
    description: str
    updated: str

    @property
    def view(self) -> dict[str, Any]:
        return {
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": f"{self.updated}T00:00:00-00:00",
            "links": [],
        }


_ALL = (
    Extension("address-scope", "Address Scope", "Subnet pools that never overlap.", "2015-07-26"),
    Extension("agent", "agent", "Hosts as agents: list, show, description and state.", "2013-02-03"),
    Extension("agent_sort_key", "Agents Sort Key", "Agents can be sorted.", "2013-02-03"),
    Extension("agent-resources-synced", "Agent's Resource View Synced", "Shown, and always unknown.", "2018-12-19"),
    Extension("allowed-address-pairs", "Allowed Address Pairs", "A VF's spoof check knows one MAC.", "2013-07-23"),
    Extension("availability_zone", "Availability Zone", "Networks have none; the list is empty.", "2015-01-01"),
    Extension("binding", "Port Binding", "Where and how a port is bound.", "2014-02-03"),
    Extension("binding-extended", "Port Bindings Extended", "Several bindings of a port.", "2017-07-17"),
    Extension("data-plane-status", "Port data plane status", "What others say of it.", "2017-01-24"),
    Extension("default-subnetpools", "Default Subnetpools", "One pool for everybody, by IP version.", "2016-02-18"),
    Extension("empty-string-filtering", "Empty String Filtering", "Filters take an empty value.", "2018-05-01"),
    Extension("external-net", "External Network", "The attribute router:external of networks.", "2013-01-14"),
    Extension("extra_dhcp_opt", "Neutron Extra DHCP options", "Told to the guest by DHCP.", "2013-03-17"),
    Extension("filter-validation", "Filter Validation", "Unknown filters are refused.", "2018-07-04"),
    Extension("ip-substring-filtering", "IP Address Substring Filtering", "Ports by part of an address.", "2017-11-28"),
    Extension("ip_allocation", "IP Allocation", "Whether a port has addresses.", "2016-06-10"),
    Extension("multi-provider", "Multi Provider Network", "Networks of several segments.", "2013-06-27"),
    Extension("net-mtu", "Network MTU", "The MTU of a network.", "2015-03-25"),
    Extension("net-mtu-writable", "Network MTU (writable)", "The MTU can be set.", "2017-07-12"),
    Extension("network-ip-availability", "Network IP Availability", "How many addresses are taken.", "2015-09-24"),
    Extension("network-ip-availability-details", "IP Availability Details", "In pools and beside them.", "2025-10-31"),
    Extension("pagination", "Pagination", "Lists come in pages.", "2016-06-12"),
    Extension("port-device-profile", "Port device profile", "Kept, and marked: nothing is attached.", "2020-12-17"),
    Extension("port-hardware-offload-type", "Port hardware offload", "Asks for a switchdev card.", "2023-05-09"),
    Extension("port-hints", "Port hints", "Kept, and marked: nothing reads them.", "2023-01-01"),
    Extension("port-mac-address-regenerate", "Port MAC Regenerate", "A null MAC gives a fresh one.", "2018-05-03"),
    Extension("port-numa-affinity-policy", "Port NUMA affinity policy", "How near a VF has to be.", "2020-07-08"),
    Extension("port-numa-affinity-policy-socket", "Socket policy", "The policy socket, too.", "2024-02-09"),
    Extension(
        "port-resource-request", "Port Resource Request", "A port's minimums, in Placement's words.", "2018-05-08"
    ),
    Extension(
        "port-resource-request-groups", "Port Resource Request Groups", "Minimums of several kinds.", "2021-08-02"
    ),
    Extension("port-security", "Port Security", "Drives the spoof check of a VF.", "2012-07-23"),
    Extension("port-trusted-vif", "Port Trusted VIF", "Drives the trust of a VF.", "2024-07-10"),
    Extension("project-id", "project_id field", "project_id beside tenant_id.", "2016-09-09"),
    Extension("provider", "Provider Network", "Which physical network and VLAN a network is.", "2012-09-07"),
    Extension("qos", "Quality of Service", "Policies and rules for what ports send and receive.", "2015-06-08"),
    Extension("qos-bw-limit-direction", "Direction for QoS bandwidth limit", "A limit has a direction.", "2017-04-10"),
    Extension(
        "qos-bw-minimum-ingress", "Ingress minimum bandwidth", "A minimum may be for what is received.", "2018-07-09"
    ),
    Extension("qos-default", "QoS default policy", "The policy of a project's new networks.", "2017-04-06"),
    Extension(
        "qos-port-network-policy", "QoS port network policy ID", "A port shows its network's policy.", "2019-11-01"
    ),
    Extension("qos-pps", "QoS packet rate limit", "Rules that limit packets.", "2021-05-12"),
    Extension("qos-pps-minimum", "QoS minimum packet rate rule", "Rules that promise packets.", "2021-07-14"),
    Extension(
        "qos-pps-minimum-rule-alias", "QoS minimum packet rate rule alias", "Such a rule by its id alone.", "2021-10-22"
    ),
    Extension("qos-rule-type-details", "Details of QoS rule types", "Which drivers support a rule type.", "2017-06-22"),
    Extension(
        "qos-rule-type-filter", "Filter of QoS rule types", "By all drivers, by any, or all there are.", "2022-02-02"
    ),
    Extension("qos-rules-alias", "QoS rules alias API", "Rules by their id alone.", "2018-10-07"),
    Extension("quota-check-limit", "Quota engine limit check", "A limit is held against what is used.", "2021-09-08"),
    Extension("quota-check-limit-default", "Quota engine limit check by default", "It always is.", "2024-08-21"),
    Extension("quota_details", "Quota details", "What of that is used.", "2017-02-10"),
    Extension("quotas", "Quota management support", "What a project may have.", "2012-07-29"),
    Extension("rbac-address-scope", "RBAC of address scopes", "Address scopes can be shared.", "2020-02-12"),
    Extension("rbac-policies", "RBAC Policies", "Networks and more shared with projects.", "2015-06-17"),
    Extension("rbac-security-groups", "RBAC of security groups", "Security groups can be shared.", "2019-02-14"),
    Extension("rbac-subnetpool", "RBAC of subnet pools", "Subnet pools can be shared.", "2020-02-05"),
    Extension("revision-if-match", "If-Match on revision_number", "Updates of one revision only.", "2016-12-11"),
    Extension("security-group", "security-group", "Kept, and marked: nothing filters.", "2012-10-05"),
    Extension("security-groups-normalized-cidr", "Normalized CIDR", "Of a rule's prefix.", "2020-01-28"),
    Extension("security-groups-shared-filtering", "SG shared filtering", "Groups by shared.", "2020-10-29"),
    Extension("segment", "Segment", "The segments of a network, one by one.", "2016-02-24"),
    Extension("service-type", "Neutron Service Type Management", "Service providers: there are none.", "2013-01-20"),
    Extension("sorting", "Sorting", "Lists can be sorted.", "2016-06-12"),
    Extension("standard-attr-description", "Description", "Everything has a description.", "2016-02-10"),
    Extension("standard-attr-revisions", "Revisions", "Everything has a revision_number.", "2016-04-11"),
    Extension("standard-attr-segment", "Standard attributes of segments", "Times and revisions of them.", "2017-05-30"),
    Extension("standard-attr-tag", "Tags", "Networks, subnets and ports have tags.", "2017-01-01"),
    Extension("standard-attr-timestamp", "Timestamps", "created_at and updated_at.", "2016-09-12"),
    Extension("stateful-security-group", "Stateful security group", "Kept with the group.", "2019-11-26"),
    Extension("subnet-external-network", "Subnet of an external network", "router:external of subnets.", "2024-02-05"),
    Extension("subnet-segmentid-writable", "Subnet segment_id", "A subnet can be given its segment.", "2018-07-15"),
    Extension("subnet-service-types", "Subnet Service Types", "Subnets kept for device owners.", "2016-03-15"),
    Extension("subnet_allocation", "Subnet Allocation", "Subnets cut out of subnet pools.", "2015-03-30"),
    Extension("tag-creation", "Tag Creation", "Tags can be added in one call.", "2024-07-23"),
    Extension("tag-ports-during-bulk-creation", "Tag Ports When Made", "Ports are made with tags.", "2019-12-29"),
    Extension("uplink-status-propagation", "Uplink Status", "A VF's link follows its PF's.", "2018-05-31"),
    Extension("uplink-status-propagation-updatable", "Uplink Status Update", "It can be changed.", "2024-09-03"),
)

EXTENSIONS: Mapping[str, Extension] = {extension.alias: extension for extension in _ALL}
