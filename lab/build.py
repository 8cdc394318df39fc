"""The build: which step needs which. ``build`` is quick when nothing changed, and each step says when it was made."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import debian, guest, initrd, kernel, layer, modules, netdevsim, product, root
from lab.errors import LabError
from lab.place import REPOSITORY, build_folder, held
from lab.stage import digest, stage
from lab.tools import say

_LOCK_WAIT_S = 900


@dataclass(frozen=True, slots=True)
class Images:
    """All that a host is started from."""

    root: Path
    boot: Path
    layer: Path
    deps: Path
    mooring: Path


def _source(*parts: object) -> list[Path]:
    """The files that modules of ours stand in: an input of the steps that they make."""
    return [Path(str(getattr(part, "__file__", ""))) for part in parts]


def build() -> Images:
    """Make what is missing or out of date, in the build folder; safe with other builds at the same time."""
    if os.geteuid() != 0:
        raise LabError("building the lab's images takes root (chroot, device nodes)", "run it with sudo, or as root")
    place = build_folder()
    begun = time.monotonic()
    refusal = LabError(f"another build still holds {place}/lock after {_LOCK_WAIT_S} s", "see to that one first")
    with held(place / "lock", _LOCK_WAIT_S, refusal):
        if not any(place.glob("root-*")):
            say(f"first build, in {place}: about three minutes and 1.5 GB")
        images = _build(place)
    say(f"images ready in {time.monotonic() - begun:.1f} s")
    return images


def _build(place: Path) -> Images:
    with ThreadPoolExecutor(max_workers=3) as pool:
        kernel_key = digest(*_source(kernel, netdevsim, debian))
        kernel_made = pool.submit(stage, place, "kernel", kernel_key, kernel.make_kernel)
        root_key = digest(*_source(root, debian))
        root_made = stage(place, "root", root_key, root.make_root)

        deps_key = digest(root_key, product.PROJECT.read_text(), product.LOCK.read_text(), *_source(product))
        deps_made = pool.submit(stage, place, "deps", deps_key, lambda to: product.make_deps(to, root_made))
        mooring_key = digest(root_key, REPOSITORY / "src", product.PROJECT, *_source(product))
        mooring_made = pool.submit(stage, place, "mooring", mooring_key, lambda to: product.make_mooring(to, root_made))

        kernel_there = kernel_made.result()
        base = digest(root_key, kernel_key, *_source(initrd, modules))
        guest_inputs = [initrd.INSIDE / "guest-init", initrd.INSIDE / "json.awk", *_source(guest)]
        guest_key = digest(base, *guest_inputs)
        guest_made = stage(place, "guest", guest_key, lambda to: guest.make_guest(to, root_made, kernel_there))
        boot_key = digest(base, initrd.INSIDE / "initramfs-init", *_source(layer))
        boot_made = stage(place, "boot", boot_key, lambda to: layer.make_boot(to, root_made, kernel_there))
        layer_key = digest(base, guest_key, initrd.INSIDE, *_source(layer))
        layer_made = stage(
            place, "layer", layer_key, lambda to: layer.make_layer(to, root_made, kernel_there, guest_made)
        )
        return Images(root_made, boot_made, layer_made, deps_made.result(), mooring_made.result())


def clean() -> None:
    """Remove all that was built, for every checkout of this machine."""
    shutil.rmtree(build_folder(), ignore_errors=True)
