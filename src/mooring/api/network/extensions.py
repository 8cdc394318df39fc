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
    Extension("agent", "agent", "Hosts as agents: list, show, description and state.", "2013-02-03"),
    Extension("agent_sort_key", "Agents Sort Key", "Agents can be sorted.", "2013-02-03"),
    Extension("agent-resources-synced", "Agent's Resource View Synced", "Shown, and always unknown.", "2018-12-19"),
    Extension("availability_zone", "Availability Zone", "Networks have none; the list is empty.", "2015-01-01"),
    Extension("binding", "Port Binding", "Where and how a port is bound.", "2014-02-03"),
    Extension("empty-string-filtering", "Empty String Filtering", "Filters take an empty value.", "2018-05-01"),
    Extension("external-net", "External Network", "The attribute router:external of networks.", "2013-01-14"),
    Extension("filter-validation", "Filter Validation", "Unknown filters are refused.", "2018-07-04"),
    Extension("ip-substring-filtering", "IP Address Substring Filtering", "Ports by part of an address.", "2017-11-28"),
    Extension("multi-provider", "Multi Provider Network", "Networks of several segments.", "2013-06-27"),
    Extension("net-mtu", "Network MTU", "The MTU of a network.", "2015-03-25"),
    Extension("net-mtu-writable", "Network MTU (writable)", "The MTU can be set.", "2017-07-12"),
    Extension("pagination", "Pagination", "Lists come in pages.", "2016-06-12"),
    Extension("port-mac-address-regenerate", "Port MAC Regenerate", "A null MAC gives a fresh one.", "2018-05-03"),
    Extension("port-numa-affinity-policy", "Port NUMA affinity policy", "How near a VF has to be.", "2020-07-08"),
    Extension("port-numa-affinity-policy-socket", "Socket policy", "The policy socket, too.", "2024-02-09"),
    Extension("port-security", "Port Security", "Drives the spoof check of a VF.", "2012-07-23"),
    Extension("port-trusted-vif", "Port Trusted VIF", "Drives the trust of a VF.", "2024-07-10"),
    Extension("project-id", "project_id field", "project_id beside tenant_id.", "2016-09-09"),
    Extension("provider", "Provider Network", "Which physical network and VLAN a network is.", "2012-09-07"),
    Extension("revision-if-match", "If-Match on revision_number", "Updates of one revision only.", "2016-12-11"),
    Extension("sorting", "Sorting", "Lists can be sorted.", "2016-06-12"),
    Extension("standard-attr-description", "Description", "Everything has a description.", "2016-02-10"),
    Extension("standard-attr-revisions", "Revisions", "Everything has a revision_number.", "2016-04-11"),
    Extension("standard-attr-tag", "Tags", "Networks, subnets and ports have tags.", "2017-01-01"),
    Extension("standard-attr-timestamp", "Timestamps", "created_at and updated_at.", "2016-09-12"),
    Extension("subnet-service-types", "Subnet Service Types", "Subnets kept for device owners.", "2016-03-15"),
    Extension("tag-creation", "Tag Creation", "Tags can be added in one call.", "2024-07-23"),
    Extension("tag-ports-during-bulk-creation", "Tag Ports When Made", "Ports are made with tags.", "2019-12-29"),
    Extension("uplink-status-propagation", "Uplink Status", "A VF's link follows its PF's.", "2018-05-31"),
    Extension("uplink-status-propagation-updatable", "Uplink Status Update", "It can be changed.", "2024-09-03"),
)

EXTENSIONS: Mapping[str, Extension] = {extension.alias: extension for extension in _ALL}
