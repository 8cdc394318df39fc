"""netdevsim, for what the 82576 refuses: VF link state, minimum rate, 802.1ad, switchdev.

No Debian kernel has it, so it is built as a module from Debian's source of exactly that kernel.
"""

import shutil
from pathlib import Path

from lab.debian import Apt
from lab.tools import run

_BUILD_LIMIT_S = 300
_NEEDS = "building a kernel module needs: apt-get install gcc libc6-dev libelf1 make xz-utils"


def add_netdevsim(apt: Apt, kernel: str, modules: Path) -> None:
    """Put netdevsim.ko for the ``kernel`` (as ``uname -r`` says it) into its ``modules`` folder."""
    headers_package = f"linux-headers-{kernel}"
    version = apt.version(headers_package)
    source_package = f"linux-source-{'.'.join(kernel.split('.')[:2])}"
    parts = [name for name in apt.depends(headers_package) if name.startswith(("linux-headers-", "linux-kbuild-"))]
    tree = apt.folder / "netdevsim"
    apt.unpack([f"{name}={version}" for name in (headers_package, source_package, *parts)], tree)
    headers = tree / "usr/src" / headers_package
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{tree}/usr/src/"))
    # With it there the build wants pahole, for type information that nobody reads here.
    (headers / "vmlinux").unlink(missing_ok=True)
    tarball = tree / "usr/src" / f"{source_package}.tar.xz"
    driver = f"{source_package}/drivers/net/netdevsim"
    unpack = ["tar", "--use-compress-program=xz -T0", "-xf", str(tarball), "-C", str(tree), driver]
    run(unpack, limit_s=_BUILD_LIMIT_S, hint=_NEEDS)
    compiler = shutil.which("gcc-12") or "gcc"
    build = ["make", "-s", "-j2", "-C", str(headers), f"M={tree}/{driver}", "CONFIG_NETDEVSIM=m", f"CC={compiler}"]
    run([*build, "modules"], limit_s=_BUILD_LIMIT_S, hint=_NEEDS)
    extra = modules / "extra"
    extra.mkdir()
    strip = ["strip", "--strip-debug", "-o", f"{extra}/netdevsim.ko", f"{tree}/{driver}/netdevsim.ko"]
    run(strip, limit_s=_BUILD_LIMIT_S, hint=_NEEDS)
