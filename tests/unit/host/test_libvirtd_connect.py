"""What can be said of a connection to libvirt before there is a libvirt."""

import subprocess
import sys
from pathlib import Path

import pytest

import mooring
from mooring.errors import Invalid
from mooring.host.libvirtd import Libvirtd

WITHOUT_LIBVIRT = """
import sys
sys.modules["libvirt"] = None
from mooring.errors import Unsupported
from mooring.host.libvirtd import Libvirtd
try:
    Libvirtd.connect("test:///default")
except Unsupported as error:
    sys.exit(f"{error.message}; {error.hint}")
"""


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "qemu",
        "qemu:///system\n",
        "qemu://other-host/system",
        "qemu://localhost/system",
        "qemu+ssh:///system",
        "qemu+tcp:///system",
        "qemu+tls:///system",
        "qemu+ext:///system?command=/bin/true",
        "qemu+libssh2://admin@other-host/system",
        "test+ssh:///default",
        "xen:///system",
        "QEMU+SSH:///system",
    ],
)
def test_uri_that_leaves_this_host_is_refused_before_anything_is_opened(uri: str) -> None:
    with pytest.raises(Invalid, match="not a local libvirt"):
        Libvirtd.connect(uri)


def test_module_imports_without_libvirt_and_connect_says_what_to_install() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBVIRT],
        env={"PYTHONPATH": str(Path(mooring.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr.strip() == (
        "libvirt-python is not installed on this host; "
        "install the libvirt extra (pip install 'mooring[libvirt]') or python3-libvirt"
    )
