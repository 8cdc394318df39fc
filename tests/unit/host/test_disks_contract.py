"""What every keeper of servers' files does: one class of tests, for the simulated one and for real tools."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mooring.errors import Invalid, NotFound
from mooring.host.disks import HostDisks
from mooring.host.machine import Disks, DomainFiles
from mooring.model.desired import DesiredImage, DesiredServer
from mooring.testing.disks import DiskMishaps, SimulatedDisks

IMAGE = DesiredImage("2d9b9c2e-58b1-4a5c-8d2c-0b6d4a6b1f00", "qcow2")
OTHER_IMAGE = DesiredImage("3e0c0d3f-58b1-4a5c-8d2c-0b6d4a6b1f11", "qcow2")
SERVER = DesiredServer(
    "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1", 3, True, vcpus=1, memory_mib=64, disk_gib=1, image=IMAGE
)


@dataclass(frozen=True, slots=True)
class Subject:
    disks: Disks
    lose: Callable[[], None]
    """``IMAGE`` is not there any more."""
    spoil: Callable[[], None]
    """``OTHER_IMAGE`` leans on another file."""


def simulated(folder: Path) -> Subject:
    disks = SimulatedDisks(folder)
    return Subject(
        disks,
        lambda: disks.misbehave(DiskMishaps(missing=(IMAGE.id,))),
        lambda: disks.misbehave(DiskMishaps(spoiled={OTHER_IMAGE.id: "leans on another file"})),
    )


def real(folder: Path) -> Subject:
    images = folder / "images"
    images.mkdir()
    image, other = (images / f"{one.id}.qcow2" for one in (IMAGE, OTHER_IMAGE))
    create = ["qemu-img", "create", "-q", "-f", "qcow2"]
    subprocess.run([*create, image, "64M"], check=True, timeout=60)

    def spoil() -> None:
        subprocess.run([*create, "-F", "qcow2", "-b", image, other], check=True, timeout=60)

    return Subject(HostDisks(images, folder / "servers"), image.unlink, spoil)


@pytest.fixture(
    params=[
        pytest.param(simulated, id="simulated"),
        pytest.param(real, id="real", marks=pytest.mark.requires("disks")),
    ]
)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    made: Subject = request.param(tmp_path)
    return made


def content(files: DomainFiles) -> tuple[bytes, bytes | None]:
    return files.config_drive.read_bytes(), files.root_disk.read_bytes() if files.root_disk else None


class TestDisksContract:
    def test_prepared_server_has_its_files_at_absolute_paths(self, subject: Subject) -> None:
        files = subject.disks.prepare(SERVER)
        assert files.root_disk is not None
        for path in (files.config_drive, files.console_log, files.root_disk):
            assert path.is_absolute()
            assert SERVER.id in path.parts
        assert files.config_drive.is_file()
        assert files.root_disk.is_file()
        assert subject.disks.kept() == [SERVER.id]

    def test_guests_disk_is_never_made_again(self, subject: Subject) -> None:
        first = subject.disks.prepare(SERVER)
        assert first.root_disk is not None
        with first.root_disk.open("ab") as disk:
            disk.write(b"the guest was here")
        before = first.root_disk.read_bytes()
        again = subject.disks.prepare(replace(SERVER, generation=4, disk_gib=2))
        assert again == first
        assert again.root_disk is not None
        assert again.root_disk.read_bytes() == before

    def test_config_drive_says_how_things_are_at_each_start(self, subject: Subject) -> None:
        before = subject.disks.prepare(SERVER).config_drive.read_bytes()
        after = subject.disks.prepare(replace(SERVER, name="a-new-name")).config_drive.read_bytes()
        assert before != after

    def test_server_without_an_image_has_a_config_drive_and_no_root_disk(self, subject: Subject) -> None:
        files = subject.disks.prepare(replace(SERVER, image=None))
        assert files.root_disk is None
        assert files.config_drive.is_file()

    def test_servers_share_nothing(self, subject: Subject) -> None:
        other = replace(SERVER, id="1c3f1c3e-9a57-4c55-8d36-1f6f7f3f2a22")
        mine, its = subject.disks.prepare(SERVER), subject.disks.prepare(other)
        before = content(its)
        subject.disks.discard(SERVER.id)
        assert subject.disks.kept() == [other.id]
        assert not mine.config_drive.exists()
        assert content(its) == before

    def test_discard_takes_everything_and_once_more_is_no_error(self, subject: Subject) -> None:
        files = subject.disks.prepare(SERVER)
        files.console_log.write_text("login: ")
        files.console_log.with_name("console.log.0").write_text("boot")
        subject.disks.discard(SERVER.id)
        subject.disks.discard(SERVER.id)
        assert not files.config_drive.parent.exists()
        assert subject.disks.kept() == []

    def test_image_that_is_not_here_is_not_found_and_leaves_no_disk(self, subject: Subject) -> None:
        subject.lose()
        with pytest.raises(NotFound, match=IMAGE.id):
            subject.disks.prepare(SERVER)
        assert subject.disks.prepare(replace(SERVER, image=None)).root_disk is None

    def test_image_that_goes_after_the_disk_was_made_is_not_found_either(self, subject: Subject) -> None:
        subject.disks.prepare(SERVER)
        subject.lose()
        with pytest.raises(NotFound, match=IMAGE.id):
            subject.disks.prepare(SERVER)

    def test_image_that_leans_on_another_file_is_refused_with_the_reason(self, subject: Subject) -> None:
        subject.spoil()
        with pytest.raises(Invalid, match="leans on another file"):
            subject.disks.prepare(replace(SERVER, image=OTHER_IMAGE))

    def test_user_data_that_is_none_is_refused_before_anything_is_made(self, subject: Subject) -> None:
        with pytest.raises(Invalid, match="not base64"):
            subject.disks.prepare(replace(SERVER, user_data="a"))
        assert subject.disks.kept() == []

    @pytest.mark.parametrize(
        ("log", "older", "expected"),
        [
            pytest.param("0123456789", None, "456789", id="long"),
            pytest.param("89", "01234567", "456789", id="just-rolled-over"),
            pytest.param("89", None, "89", id="short"),
            pytest.param("", None, "", id="silent"),
        ],
    )
    def test_console_tail_is_the_end_of_the_log(
        self, subject: Subject, log: str, older: str | None, expected: str
    ) -> None:
        console = subject.disks.prepare(SERVER).console_log
        console.write_text(log)
        if older is not None:
            console.with_name(f"{console.name}.0").write_text(older)
        assert subject.disks.console_tail(SERVER.id, 6) == expected.encode()

    def test_console_of_a_guest_that_never_ran_is_empty(self, subject: Subject) -> None:
        assert subject.disks.console_tail(SERVER.id, 100) == b""
