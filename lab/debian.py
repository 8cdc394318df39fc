"""Debian packages by name: from the mirror that this machine's apt is set up for, in lists of our own.

Nothing is installed on the machine and its apt keeps its state. Backports are preferred throughout: QEMU has ``igb``
from 8.0 on, and libvirt and the kernel should be of the age that people run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.tools import run

SUITE = "bookworm"
BACKPORTS = "bookworm-backports"

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_OFFLINE = "the first build needs a Debian mirror: does `apt-get update` work on this machine?"
_DOWNLOAD_LIMIT_S = 600


def mirror() -> str:
    """The mirror that the machine's apt uses for this suite, or for another of Debian's."""
    listed = run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(ORIGIN) $(REPO_URI)", "Identifier: Packages"],
        limit_s=60,
        hint="the lab is built from Debian packages, on a machine that has apt",
    )
    lines = [line.split() for line in listed.splitlines()]
    known = [line for line in lines if len(line) == 3]  # noqa: PLR2004 the three words of the format above
    best = [line[2] for line in known if line[0] == SUITE] or [line[2] for line in known if line[1] == "Debian"]
    if not best:
        raise LabError("this machine's apt knows no Debian mirror", "run `apt-get update`, then try again")
    return best[0]


def sources() -> str:
    """The text of a sources.list with the suite and its backports."""
    where = mirror()
    return "".join(f"deb [signed-by={_KEYRING}] {where} {suite} main\n" for suite in (SUITE, BACKPORTS))


def preferences() -> str:
    """The text of an apt preferences file that lets backports win."""
    return f"Package: *\nPin: release n={BACKPORTS}\nPin-Priority: 600\n"


@dataclass(frozen=True, slots=True)
class Apt:
    """An apt with its own lists under ``folder``, for which nothing is installed."""

    folder: Path

    def update(self) -> None:
        for part in ("lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "sources.list").write_text(sources())
        (self.folder / "preferences").write_text(preferences())
        (self.folder / "status").touch()
        (self.folder / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{self.folder}/sources.list";\n'
            'Dir::Etc::sourceparts "/dev/null";\n'
            f'Dir::Etc::preferences "{self.folder}/preferences";\n'
            'Dir::Etc::preferencesparts "/dev/null";\n'
            f'Dir::State::lists "{self.folder}/lists";\n'
            f'Dir::State::status "{self.folder}/status";\n'
            f'Dir::Cache "{self.folder}/cache";\n'
            'APT::Sandbox::User "root";\n'
            'APT::Install-Recommends "false";\n'
        )
        self._apt(["apt-get", "update", "-qq"])

    def version(self, package: str) -> str:
        """The version that would be installed."""
        for line in self._apt(["apt-cache", "policy", package]).splitlines():
            name, _, value = line.strip().partition(": ")
            if name == "Candidate" and value != "(none)":
                return value
        raise LabError(f"Debian's {SUITE} and {BACKPORTS} have no package {package}", _OFFLINE)

    def depends(self, package: str) -> list[str]:
        """The names that a package depends on, directly."""
        lines = self._apt(["apt-cache", "depends", package]).splitlines()
        return [line.split()[-1] for line in lines if line.strip().startswith("Depends: ")]

    def unpack(self, packages: Sequence[str], into: Path) -> None:
        """Download the packages (``name`` or ``name=version``) and lay out their files; no script of theirs runs."""
        debs = self.folder / "debs"
        debs.mkdir(exist_ok=True)
        self._apt(["apt-get", "download", "-qq", *packages], cwd=debs)
        for deb in sorted(debs.glob("*.deb")):
            run(["dpkg-deb", "--extract", str(deb), str(into)], limit_s=120, hint="is the disk full?")
            deb.unlink()

    def _apt(self, argv: Sequence[str], cwd: Path | None = None) -> str:
        config = {"APT_CONFIG": str(self.folder / "apt.conf")}
        return run(argv, limit_s=_DOWNLOAD_LIMIT_S, hint=_OFFLINE, cwd=cwd, env=config)
