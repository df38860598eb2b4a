"""The settings of a client, checked when it is made: what cannot work says so at once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import SplitResult, urlsplit

from ..errors import ArgumentError, ConfigError
from ..types import ComputeParam
from .redact import redact

DEFAULT_BASE_URL = "https://api.theazo.com"
#: Seconds to wait for an answer.
DEFAULT_TIMEOUT = 60.0
DEFAULT_MAX_RETRIES = 3
#: Seconds before the first retry; each further one waits twice as long.
DEFAULT_RETRY_DELAY = 0.5
DEFAULT_MAX_RETRY_DELAY = 8.0

#: Seconds that no wait is longer than: what all platforms can count.
LONGEST = 30 * 24 * 3600.0

_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_KEY = re.compile(r"th_(live|test)_[!-~]{24,}")


@dataclass(frozen=True)
class Config:
    """Settings that have been checked."""

    #: Out of `repr`, so that no log has it by accident.
    api_key: str = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    timeout: float = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    retry_delay: float = DEFAULT_RETRY_DELAY
    max_retry_delay: float = DEFAULT_MAX_RETRY_DELAY
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: With credentials in it, so out of `repr` as well.
    compute: Optional[Mapping[str, Any]] = field(default=None, repr=False)


def resolve(api_key: Optional[str], base_url: Optional[str], **options: Any) -> Config:
    """The settings of a new client; what is not given comes from the environment."""
    key = api_key if api_key is not None else os.environ.get("THEAZO_API_KEY")
    url = base_url if base_url is not None else os.environ.get("THEAZO_BASE_URL")
    given = {name: value for name, value in options.items() if value is not None}
    _check(given)
    return Config(api_key=checked_key(key), base_url=checked_url(url), **given)


def checked_key(key: Optional[str]) -> str:
    """The key, if it can be one. No message has any of it."""
    if key is None or key == "":
        raise ConfigError(
            "There is no API key: pass `api_key=`, or set THEAZO_API_KEY to a key that begins with "
            "`th_live_` or `th_test_` (the server prints one at its first start)."
        )
    if not isinstance(key, str):
        raise ConfigError(f"`api_key` is a {type(key).__name__}; it has to be a text.")
    # What was read from a file ends with a line break.
    key = key.strip()
    if _KEY.fullmatch(key):
        return key
    if key.lower().startswith("bearer "):
        why = "Leave `Bearer` away: the client adds it."
    elif key.startswith("sk-"):
        why = "It looks like the key of a model's vendor: that one belongs into `secrets.set(…)`."
    elif not key.startswith(("th_live_", "th_test_")):
        why = "A key begins with `th_live_` or `th_test_`."
    elif "…" in key or "..." in key:
        why = "It looks like the placeholder of an example: put your own key there."
    else:
        why = "It is cut off, or has characters that no key has."
    raise ConfigError(f"`api_key` is not a key of Theazo. {why}")


def checked_url(url: Optional[str]) -> str:
    """Without a `/` and without the `/v1` that some write at its end."""
    if url is None or url == "":
        return DEFAULT_BASE_URL
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"`base_url` is {redact(repr(url))}; it has to be like https://api.theazo.com or "
            "http://localhost:7070 (THEAZO_BASE_URL)."
        )
    if parts.query or parts.fragment or parts.username:
        raise ConfigError("`base_url` is scheme, host, port and path: leave the rest away.")
    whole = url.strip().rstrip("/")
    return whole[: -len("/v1")] if whole.endswith("/v1") else whole


def _parts(url: Any) -> Optional[SplitResult]:
    """None where it is no URL at all."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url.strip())
        # Looks whether it is a number that a port can have.
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def checked_headers(given: Any) -> Mapping[str, str]:
    """Headers that can be sent. What they hold may be secret, and is in no message."""
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise ArgumentError(f'`headers` is a {kind}; it has to be like {{"x-trace": "abc"}}.')
    for name, value in given.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ArgumentError(f"`headers` has {name!r}, which is no name of a header.")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ArgumentError(
                f"`headers` has a value of {name!r} that cannot be sent: it has to be a text in "
                "one line, of ASCII characters."
            )
    return given


def checked_timeout(value: Any) -> float:
    """Seconds that a request may take."""
    if _is_number(value) and 0 < value <= LONGEST:
        return float(value)
    raise ArgumentError(
        f"`timeout` is {value!r}; it has to be a number of seconds, greater than 0."
    )


def checked_retries(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ArgumentError(f"`max_retries` is {value!r}; it has to be 0 or a larger integer.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check(given: Dict[str, Any]) -> None:
    """What does not depend on the rest."""
    try:
        if "timeout" in given:
            checked_timeout(given["timeout"])
        if "max_retries" in given:
            checked_retries(given["max_retries"])
        if "headers" in given:
            checked_headers(given["headers"])
    except ArgumentError as error:
        raise ConfigError(error.message) from None
    for name in ("retry_delay", "max_retry_delay"):
        value = given.get(name, 1.0)
        if not _is_number(value) or not 0 <= value <= LONGEST:
            raise ConfigError(f"`{name}` is {value!r}; it has to be a number of seconds.")
    if "compute" in given:
        _check_compute(given["compute"])


def _check_compute(compute: Any) -> None:
    example = '`compute` has to be like {"provider": "e2b", "credentials": {"apiKey": "…"}}'
    if not isinstance(compute, Mapping) or not compute.get("provider"):
        raise ConfigError(f"{example}.")
    credentials = compute.get("credentials")
    if credentials is None:
        return
    if not isinstance(credentials, Mapping):
        raise ConfigError(f"{example}: its `credentials` are an object.")
    for name, value in credentials.items():
        if value is None or value == "":
            raise ConfigError(
                f"`compute` has no `{name}` in its `credentials`: is the environment variable that "
                "it comes from set?"
            )


def own_compute(config: Config) -> Tuple[Optional[ComputeParam], Optional[Mapping[str, Any]]]:
    """The compute that a client was made with: what sessions say of it, and its credentials."""
    given = config.compute
    if given is None:
        return None, None
    compute: ComputeParam = {"provider": given["provider"]}
    ref = given.get("credential_ref", given.get("credentialRef"))
    if ref is not None:
        compute["credential_ref"] = ref
    return compute, given.get("credentials")


def replaced(config: Config, **options: Any) -> Config:
    """With other settings where some are given."""
    given = {name: value for name, value in options.items() if value is not None}
    _check(given)
    if "headers" in given:
        given["headers"] = {**config.headers, **given["headers"]}
    return replace(config, **given)
