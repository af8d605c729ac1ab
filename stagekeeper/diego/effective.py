"""What is in force, written as a file that would be read as the same.

No secret can come out: the configuration holds none, only the paths of files.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from stagekeeper.config.durations import spell
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.profiles import AUTO, Environment


def written(sections: Mapping[str, Any]) -> str:
    """The YAML of these sections: models, environments, or lists of them."""
    plain = {name: _plain(section) for name, section in sections.items()}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _plain(section: Any) -> Any:
    if isinstance(section, Environment):
        return entry(section)
    if isinstance(section, BaseModel):
        return section.model_dump(mode="json", exclude_none=True)
    return [_plain(each) for each in section]


def entry(environment: Environment) -> dict[str, Any]:
    """The entry of `environments:` that means this environment, without what `auto` finds out at each observation."""
    is_auto = environment.profile == AUTO
    statefulsets = environment.candidates[0].statefulsets if is_auto else environment.statefulsets
    label = environment.active_label
    locket: Any = environment.locket and {
        "statefulset": environment.locket.statefulset,
        "selector": environment.locket.selector,
    }
    if locket is None and not (is_auto and any(each.locket for each in environment.candidates)):
        locket = False
    tls = environment.tls
    given: dict[str, Any] = {
        "name": environment.name,
        "profile": environment.profile,
        "namespace": environment.namespace,
        "statefulsets": list(statefulsets),
        "selector": environment.selector,
        "service": {
            "host": environment.service_host,
            "name": environment.service_name,
            "port": environment.port,
        },
        "active_label": label.key and {"key": label.key, "value": label.value, "may_be_absent": label.may_be_absent},
        "tls": tls
        and {
            "ca_file": str(tls.ca_file),
            "cert_file": str(tls.cert_file),
            "key_file": str(tls.key_file),
            "server_name": environment.tls_server_name,
        },
        "locket": locket,
        "cloud_controller": {
            "selector": environment.cloud_controller_selector,
            "address": environment.cloud_controller_host,
        },
        "database": environment.database_address and {"address": environment.database_address},
        "timeouts": {
            "probe": spell(timedelta(seconds=environment.probe_timeout)),
            "api": spell(timedelta(seconds=environment.api_timeout)),
        },
        "patience": _plain(environment.patience),
    }
    alike = [name for name in EnvironmentSettings.model_fields if name not in given]
    return _without_empty({**given, **{name: to_jsonable_python(getattr(environment, name)) for name in alike}})


def _without_empty(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing; false is no such thing."""
    inner = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in given.items()}
    return {key: value for key, value in inner.items() if value not in (None, "", [], {})}
