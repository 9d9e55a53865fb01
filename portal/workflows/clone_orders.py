"""What the playbook that clones is told: for each host, its machines with everything they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from uuid import UUID

from portal.core.plain_data import to_plain
from portal.core.templates import CloneKind
from portal.interfaces import Hardware, HostAddress, Json, MachineOrder, PlaybookRun
from portal.models import Host, Vm, VmRequest
from portal.services.orders import decided_spec
from portal.services.sealing import unseal
from portal.workflows.sequence import Context

CLONE_TIMEOUT_S = 1800
RETIRE_TIMEOUT_S = 900


def clone_run(ctx: Context, vm_request: VmRequest, vms: list[Vm], *, copied: bool = False) -> PlaybookRun:
    """One run for these copies: every host with its list. Secrets travel apart, by machine.

    `copied`: their disks are there already (workflows/own_machines.py).
    """
    hosts = {vm.id: vm.host for vm in vms if vm.host is not None}
    secrets = unseal(ctx.site.settings.secret_key, vm_request.sealed_parameters)
    return PlaybookRun(
        playbook="clone_vms",
        hosts=addresses_of(hosts),
        variables=variables_of("clone_vms", vms, ctx),
        host_variables=by_host(vms, hosts, "clone_vms_machines", lambda vm: order_of(vm, vm_request, copied=copied)),
        secrets={"clone_vms_secrets": {str(vm.id): secrets for vm in vms}} if secrets else {},
        timeout_s=CLONE_TIMEOUT_S,
    )


def retire_run(vms: list[Vm], hosts: Mapping[UUID, Host], ctx: Context) -> PlaybookRun:
    """`hosts` says for each machine who removes it."""
    return PlaybookRun(
        playbook="retire_vms",
        hosts=addresses_of(hosts),
        variables=variables_of("retire_vms", vms, ctx),
        host_variables=by_host(vms, hosts, "retire_vms_machines", lambda vm: {"vm_id": str(vm.id), "name": vm.name}),
        timeout_s=RETIRE_TIMEOUT_S,
    )


def variables_of(playbook: str, vms: list[Vm], ctx: Context) -> dict[str, Json]:
    """The fencing number of each machine: hosts refuse one that is lower than what they have seen."""
    fencing: dict[str, Json] = {str(vm.id): {"token": ctx.fencing} for vm in vms}
    return {f"{playbook}_storage_dir": ctx.site.settings.storage_dir, "fencing": fencing}


def addresses_of(hosts: Mapping[UUID, Host]) -> tuple[HostAddress, ...]:
    addresses = {host.name: host.reached_at for host in hosts.values()}
    return tuple(addresses[name] for name in sorted(addresses))


def by_host(
    vms: list[Vm], hosts: Mapping[UUID, Host], variable: str, describe: Callable[[Vm], Json]
) -> dict[str, dict[str, Json]]:
    lists: dict[str, list[Json]] = {}
    for vm in vms:
        if vm.id in hosts:
            lists.setdefault(hosts[vm.id].name, []).append(describe(vm))
    return {host: {variable: machines} for host, machines in lists.items()}


def order_of(vm: Vm, vm_request: VmRequest, *, copied: bool = False) -> dict[str, Json]:
    """The order as plain data, in the fields of MachineOrder."""
    spec = decided_spec(vm_request, vm.template_version)
    order = MachineOrder(
        vm_id=vm.id,
        name=vm.name,
        owner=vm.owner.login,
        template_disk=vm.template_version.disk,
        linked=spec.clone == CloneKind.LINKED,
        vcpus=vm.vcpus,
        memory_mib=vm.memory_mib,
        disk_gib=vm.disk_gib,
        hardware=Hardware(**to_plain(spec.hardware)),
        network=vm.network,
        mac=vm.mac,
        address=vm.address,
        personalisation=spec.personalisation.value,
        parameters=vm_request.parameters,
        keyboard=vm.keyboard,
        copied=copied,
    )
    return {**asdict(order), "vm_id": str(vm.id)}
