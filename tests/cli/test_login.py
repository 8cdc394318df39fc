"""Where the command line finds its cloud, and what it says when it does not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.cli.login import Login, find_login
from mooring.errors import MooringError

URL = "http://127.0.0.1:8780/identity/v3"
TWO_CLOUDS = f"""
clouds:
  lab: &lab
    auth: {{auth_url: "{URL}", username: ann, password: word, project_name: web, project_domain_name: Sales}}
  copy: *lab
"""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a clouds.yaml."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def one_cloud(name: str, url: str = URL, more: str = "") -> str:
    return f"clouds:\n  {name}:\n    auth: {{auth_url: '{url}', username: {name}, password: word}}\n{more}"


def user_of(login: Login) -> object:
    assert login.user is not None
    return login.user.get("name")


def test_os_variables_are_a_login_of_their_own() -> None:
    named = {"OS_USERNAME": "ann", "OS_PASSWORD": "word", "OS_PROJECT_NAME": "web", "OS_USER_DOMAIN_ID": "d"}
    login = find_login(None, {"OS_AUTH_URL": URL, **named})
    assert login.base_url == "http://127.0.0.1:8780"
    assert login.user == {"name": "ann", "domain": {"id": "d"}, "password": "word"}
    assert login.project == {"name": "web", "domain": {"id": "default"}}


def test_a_token_and_a_url_are_enough() -> None:
    login = find_login(None, {"OS_AUTH_URL": URL, "OS_TOKEN": "abc"})
    assert (login.token, login.user) == ("abc", None)


def test_ids_stand_for_names_and_their_domains() -> None:
    login = find_login(None, {"OS_AUTH_URL": URL, "OS_USER_ID": "u1", "OS_PASSWORD": "word", "OS_PROJECT_ID": "p1"})
    assert (login.user, login.project) == ({"id": "u1", "password": "word"}, {"id": "p1"})


@pytest.mark.parametrize(
    "url",
    ["http://a:1/identity/v3", "http://a:1/identity/v3/", "http://a:1/identity", "http://a:1", "http://a:1/"],
)
def test_the_base_of_all_apis_is_above_identity(url: str) -> None:
    assert find_login(None, {"OS_AUTH_URL": url, "OS_TOKEN": "abc"}).base_url == "http://a:1"


def test_places_are_looked_at_in_openstacksdks_order_and_the_state_of_up_last(nowhere: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(nowhere / "config")}
    written(nowhere / "state/mooring/clouds.yaml", one_cloud("up"))
    found = [user_of(find_login(None, environment))]
    written(nowhere / "config/openstack/clouds.yaml", one_cloud("config"))
    found.append(user_of(find_login(None, environment)))
    written(Path("clouds.yaml"), one_cloud("here"))
    found.append(user_of(find_login(None, environment)))
    given = written(nowhere / "elsewhere.yaml", one_cloud("given"))
    found.append(user_of(find_login(None, {**environment, "OS_CLIENT_CONFIG_FILE": str(given)})))
    assert found == ["up", "config", "here", "given"]


def test_the_option_wins_over_os_cloud_and_os_cloud_over_other_variables() -> None:
    written(Path("clouds.yaml"), one_cloud("one") + one_cloud("two").removeprefix("clouds:\n"))
    environment = {"OS_AUTH_URL": URL, "OS_TOKEN": "abc", "OS_CLOUD": "one"}
    assert user_of(find_login("two", environment)) == "two"
    assert user_of(find_login(None, environment)) == "one"


def test_yaml_that_people_write_is_understood() -> None:
    written(Path("clouds.yaml"), TWO_CLOUDS)
    login = find_login("copy", {})
    assert login.project == {"name": "web", "domain": {"name": "Sales"}}


def test_a_secure_yaml_beside_it_adds_the_password() -> None:
    written(Path("clouds.yaml"), f"clouds:\n  lab:\n    auth: {{auth_url: '{URL}', username: ann}}\n")
    written(Path("secure.yaml"), "clouds:\n  lab:\n    auth: {password: hidden}\n")
    login = find_login("lab", {})
    assert login.user is not None
    assert login.user["password"] == "hidden"


def test_a_certificate_is_checked_unless_the_cloud_says_otherwise() -> None:
    written(Path("clouds.yaml"), one_cloud("lab", "https://a/identity/v3", "    verify: false\n    cacert: /ca.pem\n"))
    assert find_login("lab", {}).is_insecure
    assert find_login("lab", {}).ca_file == "/ca.pem"
    assert not find_login(None, {"OS_AUTH_URL": "https://a", "OS_TOKEN": "abc"}).is_insecure
    assert find_login(None, {"OS_AUTH_URL": "https://a", "OS_TOKEN": "abc", "OS_INSECURE": "true"}).is_insecure


@pytest.mark.parametrize(
    ("clouds", "environment", "says"),
    [
        (None, {}, "no cloud is named"),
        (None, {"OS_CLOUD": "lab"}, "cloud lab: there is no clouds.yaml"),
        (TWO_CLOUDS, {}, "has 2 clouds, and none is named"),
        (TWO_CLOUDS, {"OS_CLOUD": "lap"}, "cloud lap could not be found"),
        ("a: [", {"OS_CLOUD": "lab"}, "is not YAML"),
        ("- a", {"OS_CLOUD": "lab"}, "has no table of clouds"),
        ("clouds: {lab: 1}", {"OS_CLOUD": "lab"}, "cloud lab could not be found"),
        ("clouds: {lab: {}}", {"OS_CLOUD": "lab"}, "auth_url is None"),
        (one_cloud("lab", "ftp://a"), {"OS_CLOUD": "lab"}, "auth_url is 'ftp://a'"),
        (one_cloud("lab", "http://a:99999"), {"OS_CLOUD": "lab"}, "auth_url is 'http://a:99999'"),
        (one_cloud("lab", "http://a b"), {"OS_CLOUD": "lab"}, "auth_url is 'http://a b'"),
        (one_cloud("lab", more="    auth_type: v3totp\n"), {"OS_CLOUD": "lab"}, "auth_type v3totp is not served"),
        (None, {"OS_AUTH_URL": URL}, "there is no username"),
        (None, {"OS_AUTH_URL": URL, "OS_USERNAME": "ann"}, "there is no password"),
        (None, {"OS_AUTH_URL": URL, "OS_AUTH_TYPE": "token"}, "there is no token"),
        (None, {"OS_AUTH_URL": URL, "OS_TOKEN": "a\nb"}, "there is no token"),
    ],
)
def test_what_is_missing_is_said_with_a_way_out(
    nowhere: Path, clouds: str | None, environment: Mapping[str, str], says: str
) -> None:
    if clouds is not None:
        written(Path("clouds.yaml"), clouds)
    with pytest.raises(MooringError, match=says) as raised:
        find_login(None, {"XDG_CONFIG_HOME": str(nowhere), **environment})
    assert raised.value.hint or "YAML" in says


def test_a_named_file_that_is_not_there_is_named(nowhere: Path) -> None:
    with pytest.raises(MooringError, match=r"nothing\.yaml: No such file"):
        find_login("lab", {"OS_CLIENT_CONFIG_FILE": str(nowhere / "nothing.yaml")})
