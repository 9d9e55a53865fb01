"""One seat, booted once and saved with its memory: what all warm seats of a lab are restored from."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled, PlaybookFailed, PortalError
from portal.core.lifecycle import HostState, SeatImageState
from portal.interfaces import PlaybookRun, PlaybookStatus
from portal.models import Host, LabVersion, SeatImage
from portal.services import workflows
from portal.services.hosts import all_hosts
from portal.services.seat_designs import SeatDesign, image_key, image_owner, order_of
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.seat_runs import SeatWork, ids_of, make_run, remove_run, save_run
from portal.workflows.seat_waiting import guests_of, wait_for_seats
from portal.workflows.sequence import Context

# what a guest still does after it serves is better done once before it is saved than thirty times after
SETTLE_S = 8.0
FAILED_FOR = timedelta(minutes=30)  # before a failed image is tried again
LOOK_AGAIN_S = 1.0
KEPT_UNUSED = timedelta(days=30)
DROP_TIMEOUT_S = 600


def ensure_image(ctx: Context, version: LabVersion, design: SeatDesign, host: Host) -> str | None:
    """The key of an image that is whole, built now if need be; None: the seats must be booted.

    Why it could not be built stands in the image's row; a class is not held up by it.
    """
    if not design.can_be_warm:
        return None
    key = image_key(design, host)
    while not begin_building(ctx, version, key):
        state = state_of(ctx, key)
        if state != SeatImageState.BUILDING:
            return key if state == SeatImageState.READY else None
        ctx.pause(LOOK_AGAIN_S)  # another class of this lab builds it in this moment
    try:
        build(ctx, key, design, host)
    except Cancelled:
        note_failed(ctx, key, N_("Its making was stopped."), {})
        raise
    except PortalError as error:
        note_failed(ctx, key, error.message, {name: str(value) for name, value in error.params.items()})
        return None
    return key


def begin_building(ctx: Context, version: LabVersion, key: str) -> bool:
    """True if it is ours to build. A builder that has died is replaced, a failure is tried again after a while."""
    with ctx.write() as db:
        now = ctx.site.clock()
        image = db.get(SeatImage, key, with_for_update=True)
        if image is None:
            image = SeatImage(key=key, lab_version_id=version.id, made_at=now)
            db.add(image)
        elif image.state == SeatImageState.READY or not may_build(ctx, db, image):
            image.used_at = now
            return False
        image.state, image.workflow_id, image.made_at = SeatImageState.BUILDING, ctx.workflow_id, now
        image.fencing += 1
        return True


def may_build(ctx: Context, db: Session, image: SeatImage) -> bool:
    if image.state == SeatImageState.FAILED:
        return image.made_at + FAILED_FOR <= ctx.site.clock()
    return image.workflow_id == ctx.workflow_id or not workflows.is_live(db, image.workflow_id)


def state_of(ctx: Context, key: str) -> SeatImageState:
    with ctx.site.sessions() as db:
        return db.get_one(SeatImage, key).state


def build(ctx: Context, key: str, design: SeatDesign, host: Host) -> None:
    """Boot, wait, save. Whatever goes wrong, nothing of the one seat stays running."""
    with ctx.site.sessions() as db:
        token = db.get_one(SeatImage, key).fencing
    order = order_of(design, owner_id=image_owner(key), number=0)
    work, storage = SeatWork(order, host.reached_at, token), ctx.site.settings.storage_dir
    began = time.monotonic()
    try:
        check_result(run_playbook(ctx, make_run(storage, [work])), ids_of([work]))
        if not wait_for_seats(ctx, guests_of(design, [work]), within_s=design.boot_within_s):
            raise PlaybookFailed(N_("The machine that was to be saved did not become ready in time."))
        boot_s = time.monotonic() - began
        ctx.pause(SETTLE_S)
        check_result(run_playbook(ctx, save_run(storage, work, key)), ids_of([work]))
    except PortalError:
        run_playbook(replace(ctx, undoing=True), remove_run(storage, [work.leaving]))
        raise
    with ctx.write() as db:
        image = db.get_one(SeatImage, key)
        image.state, image.boot_s, image.trouble = SeatImageState.READY, boot_s, ""
        image.used_at = ctx.site.clock()


def note_failed(ctx: Context, key: str, trouble: str, params: dict[str, object]) -> None:
    with ctx.write() as db:
        db.get_one(SeatImage, key).fail(trouble, params)


def tidy_images(ctx: Context) -> None:
    """Remove images that no class has used for long. What cannot be removed now is tried again after the next class."""
    with ctx.site.sessions() as db:
        oldest = ctx.site.clock() - KEPT_UNUSED
        unused = select(SeatImage.key).where(
            SeatImage.state.in_((SeatImageState.READY, SeatImageState.FAILED)),
            func.coalesce(SeatImage.used_at, SeatImage.made_at) < oldest,
        )
        keys = list(db.scalars(unused))
        host = next((host for host in all_hosts(db) if host.state != HostState.LOST and not host.trouble), None)
        if not keys or host is None:
            return
        address = host.reached_at
    storage = ctx.site.settings.storage_dir
    variables = {"drop_seat_images_images": keys, "drop_seat_images_storage_dir": storage}
    result = run_playbook(ctx, PlaybookRun("drop_seat_images", (address,), variables, timeout_s=DROP_TIMEOUT_S))
    if result.status == PlaybookStatus.SUCCEEDED:
        with ctx.write() as db:
            for image in db.scalars(select(SeatImage).where(SeatImage.key.in_(keys))):
                image.state = SeatImageState.GONE
