"""Servers' files on a real host: what qemu-img and the kernel make of them, and what is refused before they see it."""

import json
import os
import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.errors import HostFault, Invalid, MooringError, NotFound, Unsupported
from mooring.host.disks import HostDisks
from mooring.host.programs import SEARCH_PATH, Program
from mooring.host.qemu_img import QEMU_IMG
from mooring.model.desired import DesiredImage, DesiredServer

IMAGE = DesiredImage("2d9b9c2e-58b1-4a5c-8d2c-0b6d4a6b1f00", "qcow2")
RAW = replace(IMAGE, disk_format="raw")
SERVER = DesiredServer(
    "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1", 3, True, vcpus=1, memory_mib=64, disk_gib=1, image=IMAGE,
    user_data="IyEvYmluL3NoCg==",
)  # fmt: skip
MIB = 1 << 20
ISOINFO = Program(("isoinfo",), ("genisoimage",))

needs_tools = pytest.mark.requires("disks")


class Host:
    """Both folders, and the tools of a search path."""

    def __init__(self, folder: Path, search_path: str = SEARCH_PATH) -> None:
        self.images = folder / "images"
        self.images.mkdir(exist_ok=True)
        self.servers = folder / "servers"
        self.disks = HostDisks(self.images, self.servers, search_path)

    def image(self, image: DesiredImage = IMAGE) -> Path:
        return self.images / f"{image.id}.{image.disk_format}"

    def server_folder(self) -> Path:
        return self.servers / SERVER.id


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def qemu_img(*words: object) -> str:
    return subprocess.run(
        [QEMU_IMG.find(), *map(str, words)], check=True, timeout=60, capture_output=True, text=True
    ).stdout


def make_image(path: Path, *more: object, size: str = "64M") -> None:
    qemu_img("create", "-q", "-f", "qcow2", *more, path, size)


def info(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(qemu_img("info", "-U", "--output=json", path))
    return found


@needs_tools
@pytest.mark.parametrize("image", [IMAGE, RAW])
@pytest.mark.parametrize(("disk_gib", "size_bytes"), [(1, 1024 * MIB), (0, 64 * MIB)])
def test_root_disk_is_an_overlay_of_the_flavors_size_on_the_image(
    host: Host, image: DesiredImage, disk_gib: int, size_bytes: int
) -> None:
    if image is RAW:
        host.image(RAW).write_bytes(b"\0" * 64 * MIB)
    else:
        make_image(host.image())
    before = host.image(image).stat()
    files = host.disks.prepare(replace(SERVER, image=image, disk_gib=disk_gib))
    assert files.root_disk == host.server_folder() / "root.qcow2"
    found = info(files.root_disk)
    assert (found["format"], found["virtual-size"]) == ("qcow2", size_bytes)
    assert (found["backing-filename"], found["backing-filename-format"]) == (str(host.image(image)), image.disk_format)
    assert host.image(image).stat().st_mtime_ns == before.st_mtime_ns


@needs_tools
def test_config_drive_has_its_label_and_its_files_by_their_own_names(host: Host) -> None:
    make_image(host.image())
    drive = host.disks.prepare(SERVER).config_drive
    primary_descriptor = drive.read_bytes()[16 * 2048 : 17 * 2048]
    assert primary_descriptor[1:6] == b"CD001"
    assert primary_descriptor[40:72].decode().strip() == "config-2"

    def read(path: str) -> bytes:
        return subprocess.run(
            [ISOINFO.find(), "-i", drive, "-R", "-x", path], check=True, timeout=60, capture_output=True
        ).stdout

    assert json.loads(read("/openstack/latest/meta_data.json"))["uuid"] == SERVER.id
    assert json.loads(read("/openstack/2018-08-27/network_data.json"))["links"] == []
    assert read("/openstack/latest/user_data") == b"#!/bin/sh\n"


@needs_tools
def test_files_are_nobody_elses_to_read_and_qemu_can_reach_them(host: Host) -> None:
    make_image(host.image())
    files = host.disks.prepare(SERVER)
    assert files.root_disk is not None
    modes = [path.stat().st_mode & 0o777 for path in (files.root_disk, files.config_drive, host.server_folder())]
    assert modes == [0o600, 0o600, 0o711]


@needs_tools
def test_what_a_killed_agent_left_half_made_is_swept_away(host: Host) -> None:
    make_image(host.image())
    folder = host.server_folder()
    (folder / ".config-drive.abc" / "openstack").mkdir(parents=True)
    (folder / ".root.qcow2.new").write_bytes(b"half")
    host.disks.prepare(SERVER)
    assert sorted(entry.name for entry in folder.iterdir()) == ["config-drive.iso", "root.qcow2"]


def truncated(path: Path) -> None:
    make_image(path)
    os.truncate(path, 60)


def with_feature(bit: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        make_image(path)
        with path.open("r+b") as image:
            image.seek(72)
            image.write(struct.pack(">Q", 1 << bit))

    return make


def with_backing(path: Path) -> None:
    base = path.with_name("base.qcow2")
    make_image(base)
    qemu_img("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, path)


def with_data_file(path: Path) -> None:
    make_image(path, "-o", f"data_file={path.with_name('data.raw')},data_file_raw=on")


def of_version(version: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        make_image(path)
        with path.open("r+b") as image:
            image.seek(4)
            image.write(struct.pack(">I", version))

    return make


def as_link(path: Path) -> None:
    target = path.with_name("elsewhere.qcow2")
    make_image(target)
    path.symlink_to(target)


@needs_tools
@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "registered as qcow2 and is none", id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\0" * MIB), "registered as qcow2 and is none", id="raw"),
        pytest.param(lambda path: qemu_img("create", "-q", "-f", "vmdk", path, "1M"), "and is none", id="vmdk"),
        pytest.param(truncated, "ends within its header", id="cut-short"),
        pytest.param(of_version(1), "qcow2 version 1", id="version-1"),
        pytest.param(with_backing, "its backing file", id="backing-file"),
        pytest.param(with_data_file, "its external data file", id="data-file"),
        pytest.param(with_feature(2), "its external data file", id="data-file-bit"),
        pytest.param(with_feature(40), "is no qcow2 that can be used", id="unknown-feature"),
        pytest.param(as_link, "is not a plain file", id="symbolic-link"),
        pytest.param(os.mkfifo, "is not a plain file", id="pipe"),
        pytest.param(Path.mkdir, "is not a plain file", id="folder"),
    ],
)
def test_image_that_is_not_what_it_says_or_names_another_file_is_refused(
    host: Host, make: Callable[[Path], object], says: str
) -> None:
    make(host.image())
    with pytest.raises(Invalid, match=says):
        host.disks.prepare(SERVER)
    assert not (host.server_folder() / "root.qcow2").exists()


@pytest.mark.parametrize(
    ("magic", "says"),
    [
        (b"QFI\xfb\0\0\0\3", "is qcow2"),
        (b"KDMV", "is vmdk"),
        (b"# Disk DescriptorFile\nversion=1", "is vmdk"),
        (b"LUKS\xba\xbe", "is luks"),
    ],
)
def test_raw_image_that_begins_like_another_format_is_refused(host: Host, magic: bytes, says: str) -> None:
    host.image(RAW).write_bytes(magic + b"\0" * 4096)
    with pytest.raises(Invalid, match=f"registered as raw and {says}"):
        host.disks.prepare(replace(SERVER, image=RAW))


@needs_tools
def test_flavor_with_a_smaller_disk_than_the_image_is_refused(host: Host) -> None:
    make_image(host.image(), size="2G")
    with pytest.raises(Invalid, match=r"disk of 1 GiB is smaller than image .* of 2147483648 bytes"):
        host.disks.prepare(SERVER)


@pytest.mark.parametrize(
    ("server", "error"),
    [
        pytest.param(replace(SERVER, image=replace(IMAGE, disk_format="vmdk")), Invalid, id="format"),
        pytest.param(replace(SERVER, image=replace(IMAGE, disk_format="../raw")), Invalid, id="format-that-climbs"),
        pytest.param(replace(SERVER, image=DesiredImage("../../etc/passwd", "raw")), Invalid, id="image-that-climbs"),
        pytest.param(replace(SERVER, id="../" + SERVER.id), Invalid, id="server-that-climbs"),
        pytest.param(replace(SERVER, id=f"{SERVER.id}\n"), Invalid, id="newline"),
        pytest.param(SERVER, NotFound, id="no-image"),
    ],
)
def test_id_or_format_that_names_no_image_of_this_host_is_refused(
    host: Host, server: DesiredServer, error: type[MooringError]
) -> None:
    with pytest.raises(error):
        host.disks.prepare(server)


def test_strangers_in_the_folder_are_not_kept_and_stay(host: Host) -> None:
    (host.servers / "lost+found").mkdir(parents=True)
    assert host.disks.kept() == []
    with pytest.raises(Invalid):
        host.disks.discard("lost+found")
    assert (host.servers / "lost+found").exists()


def test_folder_that_is_a_link_is_not_followed_by_a_discard(host: Host, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    host.servers.mkdir()
    host.server_folder().symlink_to(tmp_path / "precious")
    with pytest.raises(HostFault, match="discard of the files"):
        host.disks.discard(SERVER.id)
    assert (tmp_path / "precious").exists()


def tool(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def test_missing_tool_names_its_package(tmp_path: Path) -> None:
    host = Host(tmp_path, search_path=str(tmp_path))
    host.image(RAW).write_bytes(b"\0" * MIB)
    with pytest.raises(Unsupported, match="qemu-img is not installed") as missing:
        host.disks.prepare(replace(SERVER, image=RAW))
    assert "qemu-utils" in missing.value.hint
    with pytest.raises(Unsupported, match="xorrisofs or genisoimage or mkisofs is not installed"):
        host.disks.prepare(replace(SERVER, image=None))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("genisoimage", "genisoimage: No space left on device. Cannot write"),
        ("mkisofs", "mkisofs: Disk quota exceeded."),
        ("xorrisofs", "xorriso : FAILURE : Image size 189s exceeds free space on media 52s"),
    ],
)
def test_full_disk_is_told_with_the_bytes_that_are_free_and_leaves_nothing_half_made(
    tmp_path: Path, name: str, complaint: str
) -> None:
    tool(tmp_path, name, f"echo '{complaint}' >&2; exit 32")
    host = Host(tmp_path, search_path=str(tmp_path))
    with pytest.raises(HostFault, match=r"no space left below .*: [0-9]+ bytes free"):
        host.disks.prepare(replace(SERVER, image=None))
    assert list(host.server_folder().iterdir()) == []


def test_tool_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    tool(tmp_path, "genisoimage", "echo 'genisoimage: Uh oh' >&2; exit 1")
    with pytest.raises(HostFault, match=r"genisoimage failed \(1\): genisoimage: Uh oh"):
        Host(tmp_path, search_path=str(tmp_path)).disks.prepare(replace(SERVER, image=None))


def test_folder_that_may_not_be_made_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "servers").write_text("a file")
    with pytest.raises(HostFault, match=rf"files of server {SERVER.id}: .*servers"):
        Host(tmp_path).disks.prepare(replace(SERVER, image=None))
