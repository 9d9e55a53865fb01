"""Real hypervisor hosts made of Linux namespaces on one machine, for the demo, the tests and training."""

from portal.minicluster.cluster import Minicluster
from portal.minicluster.hosts import HostStatus
from portal.minicluster.inventory import Inventory, read_inventory

__all__ = ["HostStatus", "Inventory", "Minicluster", "read_inventory"]
