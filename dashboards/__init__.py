"""Grafana dashboards for Stagekeeper: one source, from which `python -m dashboards` writes the JSON files.

They are of Grafana's classic schema: what file provisioning, the sidecar of the Helm charts and every supported Grafana
read. The SDK warns when that schema is first imported, since Grafana 12 has a second one; so it is imported here first.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.models.dashboard  # noqa: F401 -- imported for its warning
