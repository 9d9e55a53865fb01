"""GET /hosts: what the cluster carries."""

from __future__ import annotations

from dataclasses import asdict

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, reading, site
from portal.api.languages import in_words
from portal.api.schemas.hosts import HostOut, HostsOut
from portal.api.schemas.values import AmountOut
from portal.core.policy import Permission
from portal.core.quota import Amount
from portal.services import capacity, hosts
from portal.services.capacity import HostLoad

bp = APIBlueprint("hosts", __name__, url_prefix="/hosts", tag="Hosts")


@bp.get("")
@bp.output(HostsOut)
@bp.doc(summary="The hosts with their loads", operation_id="list_hosts")
@permission(Permission.SEE_HOSTS)
def index() -> HostsOut:
    with reading() as db:
        seen = {host.id for host in hosts.listing(db, actor=actor())}
        cluster = capacity.cluster(db, reserve_hosts=site().settings.reserve_hosts)
        items = [host_out(load) for load in cluster.hosts if load.host.id in seen]
    free = amount_out(cluster.free_with_reserve)
    return HostsOut(items=items, page=1, pages=1, total=len(items), free_with_reserve=free)


def host_out(load: HostLoad) -> HostOut:
    host = load.host
    trouble = hosts.trouble_of(host)
    return HostOut(
        id=host.id,
        name=host.name,
        address=host.address,
        state=host.state,
        accelerator=host.accelerator,
        cpu_model=host.cpu_model,
        hypervisor_version=host.hypervisor_version,
        total=amount_out(load.total),
        claimed=amount_out(load.claimed),
        free=amount_out(load.free),
        vms=load.vms,
        seen_at=host.seen_at,
        answers=not hosts.is_silent(host),
        trouble=in_words(trouble) if trouble else "",
    )


def amount_out(amount: Amount) -> AmountOut:
    return AmountOut(**asdict(amount))
