"""Whose cloud, and as whom: clouds.yaml or ``OS_*`` variables, found where openstacksdk finds them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mooring.cli.run import up_state
from mooring.errors import Invalid, NotFound

FILE_NAME = "clouds.yaml"
SECRETS_NAME = "secure.yaml"
_FILE_MAX_BYTES = 1_048_576
_PASSWORD_TYPES = ("password", "v3password")
_TOKEN_TYPES = ("token", "v3token", "admin_token")
_HOW = "set OS_CLOUD to a cloud of clouds.yaml, or OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME"


@dataclass(frozen=True, slots=True)
class Login:
    """Where a controller is, and what proves who is asking: a token, or a user's password for a project."""

    base_url: str
    """Scheme and authority, and perhaps a path, without ``/identity/v3``."""
    token: str | None = None
    user: Mapping[str, Any] | None = None
    """Keystone's ``user`` object, the password in it."""
    project: Mapping[str, Any] | None = None
    """Keystone's ``project`` object; none asks for the user's default project."""
    ca_file: str | None = None
    is_insecure: bool = False
    """The certificate of an https URL is not checked."""


def find_login(cloud: str | None, environment: Mapping[str, str]) -> Login:
    """By ``--os-cloud``, by ``OS_CLOUD``, by the other ``OS_*`` variables, by the only cloud of the first clouds.yaml.

    Raises Invalid and NotFound, saying what is missing.
    """
    name = cloud or environment.get("OS_CLOUD")
    if not name and environment.get("OS_AUTH_URL"):
        auth = {key[3:].lower(): value for key, value in environment.items() if key.startswith("OS_") and value}
        told = {"auth": auth, "auth_type": auth.get("auth_type"), "cacert": auth.get("cacert")}
        return _login({**told, "verify": auth.get("insecure", "").lower() not in ("1", "true", "yes")}, "OS_AUTH_URL")
    path = _clouds_file(environment)
    if path is None:
        missing = f"cloud {name}: there is no {FILE_NAME}" if name else "no cloud is named"
        raise Invalid(missing, hint=_HOW)
    clouds = _clouds(path)
    if not name:
        if len(clouds) != 1:
            raise Invalid(f"{path} has {len(clouds)} clouds, and none is named", hint=_named(clouds))
        name = next(iter(clouds))
    if not isinstance(clouds.get(name), Mapping):
        raise NotFound("cloud", name, hint=f"{path}: {_named(clouds)}")
    return _login(_merged(clouds[name], _clouds(path.with_name(SECRETS_NAME)).get(name)), f"cloud {name} of {path}")


def _named(clouds: Mapping[str, Any]) -> str:
    return f"name one of {', '.join(sorted(map(str, clouds)))} with --os-cloud or OS_CLOUD" if clouds else _HOW


def _clouds_file(environment: Mapping[str, str]) -> Path | None:
    """The first that is there; the state of ``mooring up`` comes last."""
    if given := environment.get("OS_CLIENT_CONFIG_FILE"):
        return Path(given)
    user = Path(environment.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "openstack"
    folders = (Path(), user, Path("/etc/openstack"), up_state())
    found = (folder / stem for folder in folders for stem in (FILE_NAME, "clouds.yml"))
    return next((path for path in found if path.is_file()), None)


def _clouds(path: Path) -> Mapping[str, Any]:
    """The ``clouds`` of a file; none when a secure.yaml is not there. Raises Invalid for what cannot be read."""
    import yaml

    try:
        with path.open("rb") as stream:
            content = yaml.safe_load(stream.read(_FILE_MAX_BYTES))
    except FileNotFoundError as missing:
        if path.name == SECRETS_NAME:
            return {}
        raise Invalid(f"{path}: {missing.strerror}", hint="OS_CLIENT_CONFIG_FILE names it") from missing
    except OSError as broken:
        raise Invalid(f"{path}: {broken.strerror}") from broken
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise Invalid(f"{path} is not YAML: {' '.join(str(broken).split())}") from broken
    clouds = content.get("clouds") if isinstance(content, Mapping) else None
    if not isinstance(clouds, Mapping):
        raise Invalid(f"{path} has no table of clouds", hint="it begins with a line clouds:")
    return clouds


def _merged(open_part: Mapping[str, Any], secret_part: object) -> Mapping[str, Any]:
    if not isinstance(secret_part, Mapping):
        return open_part
    auth = {**_table(open_part.get("auth")), **_table(secret_part.get("auth"))}
    return {**open_part, **secret_part, "auth": auth}


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _login(cloud: Mapping[str, Any], where: str) -> Login:
    auth, kind = _table(cloud.get("auth")), cloud.get("auth_type")
    base_url = _base_url(auth.get("auth_url"), where)
    ca_file = os.path.expanduser(str(cloud["cacert"])) if cloud.get("cacert") else None  # noqa: PTH111 - text for ssl
    is_insecure = cloud.get("verify", True) is False
    if kind in _TOKEN_TYPES or (kind is None and auth.get("token")):
        token = str(auth.get("token") or "")
        if not token or not token.isascii() or not token.isprintable():
            raise Invalid(f"{where}: there is no token", hint="give auth.token or OS_TOKEN")
        return Login(base_url, token=token, ca_file=ca_file, is_insecure=is_insecure)
    if kind is not None and kind not in _PASSWORD_TYPES:
        raise Invalid(f"{where}: auth_type {kind} is not served", hint="password and token are")
    user = _named_in_domain(auth, "user", "username", "user_id")
    if user is None or not auth.get("password"):
        missing = "password" if user else "username"
        raise Invalid(f"{where}: there is no {missing}", hint=_HOW)
    project = _named_in_domain(auth, "project", "project_name", "project_id")
    return Login(base_url, None, {**user, "password": str(auth["password"])}, project, ca_file, is_insecure)


def _base_url(url: object, where: str) -> str:
    """Where all the APIs are, from where a login is."""
    wrong = Invalid(f"{where}: auth_url is {url!r}", hint="as in http://127.0.0.1:8780/identity/v3")
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as broken:
        raise wrong from broken
    if not is_usable:
        raise wrong
    return url.rstrip("/").removesuffix("/v3").removesuffix("/identity")


def _named_in_domain(auth: Mapping[str, Any], noun: str, name_key: str, id_key: str) -> dict[str, Any] | None:
    """Keystone's way to name a user or a project: by id, or by name in a domain."""
    if auth.get(id_key):
        return {"id": str(auth[id_key])}
    if not auth.get(name_key):
        return None
    for kind in ("id", "name"):
        for key in (f"{noun}_domain_{kind}", f"default_domain_{kind}"):
            if auth.get(key):
                return {"name": str(auth[name_key]), "domain": {kind: str(auth[key])}}
    return {"name": str(auth[name_key]), "domain": {"id": "default"}}
