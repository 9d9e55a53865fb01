#!/usr/bin/python3
"""Ansible module: remove saved machines that no seat stands on any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_disk import read_qcow2
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat import read_image
from ansible.module_utils.vivero_seat_places import ImagePlaces
from ansible.module_utils.vivero_storage import remove_tree

DOCUMENTATION = """
module: vivero_drop_seat_images
short_description: Removes saved machines from the shared storage
description:
  - One host does it for all. An image that a seat's disk stands on is left, with the reason in C(images).
options:
  images: {description: the keys of the images, type: list, elements: str, required: true}
  storage_dir: {description: the shared storage, type: path, required: true}
"""


def images_in_use(storage: Path) -> set[str]:
    """By the disks of all seats, on whichever host they run."""
    used = set()
    for disk in storage.glob("seats/*/*/disk.qcow2"):
        try:
            backing = Path(read_qcow2(disk).backing or "")
        except (Refused, OSError):
            continue  # half made or just taken away: it stands on nothing
        used.add(backing.parent.parent.name)
    return used


def drop(storage: Path, key: str, used: set[str]) -> dict[str, Any]:
    try:
        places = ImagePlaces(storage, read_image(key))
        if places.image in used:
            raise Refused("a seat stands on it")
        places.description.unlink(missing_ok=True)  # first: nobody may take half an image for a whole one
        changed = remove_tree(places.folder)
        changed = remove_tree(places.draft) or changed
    except Refused as error:
        return {"image": key, "ok": False, "changed": False, "message": str(error)}
    except OSError as error:
        return {"image": key, "ok": False, "changed": False, "message": f"{type(error).__name__}: {error}"}
    return {"image": key, "ok": True, "changed": changed, "message": "removed" if changed else "was not there"}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "list", "elements": "str", "required": True},
            "storage_dir": {"type": "path", "required": True},
        }
    )
    storage = Path(module.params["storage_dir"])
    if not storage.is_dir():
        module.fail_json(msg=f"the storage folder {storage} is not there")
    used = images_in_use(storage)
    images = [drop(storage, key, used) for key in module.params["images"]]
    module.exit_json(changed=any(image["changed"] for image in images), images=images)


if __name__ == "__main__":
    main()
