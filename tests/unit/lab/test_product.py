"""What of the project's lock goes into a host."""

from lab.product import LOCK, PROJECT, runtime_lock

PROJECT_TEXT = '[project]\ndependencies = ["Falcon>=4", "uvicorn[standard]>=0.5"]\n'
LOCK_TEXT = """\
# made by uv
click==8.5.1 \\
    --hash=sha256:aa
    # via
    #   mooring (pyproject.toml)
    #   uvicorn
falcon==4.4.0 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via mooring (pyproject.toml)
mypy==2.4.0 \\
    --hash=sha256:dd
    # via mooring (pyproject.toml)
typing-extensions==4.15.0 \\
    --hash=sha256:ee
    # via
    #   click
    #   mypy
uvicorn==0.54.0 ; python_version >= "3.11" \\
    --hash=sha256:ff
    # via mooring (pyproject.toml)
"""


def test_a_host_gets_what_mooring_needs_and_what_that_needs_with_all_hashes() -> None:
    lines = runtime_lock(PROJECT_TEXT, LOCK_TEXT).splitlines()
    assert [line.split("==")[0] for line in lines if "==" in line and not line.startswith(" ")] == [
        "click",
        "falcon",
        "typing-extensions",
        "uvicorn",
    ]
    assert sum("--hash" in line for line in lines) == 5


def test_of_the_real_lock_the_tools_for_tests_stay_out() -> None:
    packages = {
        line.split("==")[0]
        for line in runtime_lock(PROJECT.read_text(), LOCK.read_text()).splitlines()
        if line[:1].isalpha()
    }
    assert {"click", "falcon", "h11", "msgspec", "pyroute2", "sqlalchemy", "uvicorn"} <= packages
    assert not packages & {"mypy", "pytest", "ruff", "hypothesis", "python-openstackclient", "lxml"}
