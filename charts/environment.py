"""One entry of the value `environments`: the keys of the configuration file, but Secrets instead of file names."""

from charts.kinds import HOST, HOST_PORT, KEY, NAME, OBJECT_NAME, SELECTOR, seconds, switch, text, whole
from charts.model import Group, Value, fields_of
from stagekeeper.diego.environment_settings import PatienceSettings
from stagekeeper.diego.profiles import AUTO, PROFILES

_PROFILES = [*PROFILES, AUTO, "custom"]

ENVIRONMENT = Group(
    "One Diego: a profile, and what differs from it. The keys are those of the configuration file.",
    {
        "name": text("Its name in metrics, alerts and commands.", "cf", NAME),
        "profile": Value(
            "cfee-2",
            f"What the platform looks like: {', '.join(_PROFILES)}. `custom` has no defaults; `auto` finds out at "
            "every look, for the exporter alone, and may list StatefulSets.",
            {"type": "string", "enum": _PROFILES},
        ),
        "namespace": text("Where Diego runs; it must exist. Default: the profile's.", pattern=NAME),
        "statefulsets": Value(
            [],
            "The BBS StatefulSets: several where availability zones have their own. Default: the profile's.",
            {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": NAME}},
        ),
        "selector": text("Label selector of the BBS pods, only `key=value` and commas.", pattern=SELECTOR),
        "service": Group(
            "Where the Cloud Controller reaches the BBS.",
            {
                "host": text("Host name. Default: the profile's.", pattern=HOST),
                "name": text("The Kubernetes Service, whose endpoints are counted.", pattern=NAME),
                "port": whole("The port that pods and Service serve on.", 8889, 1, 65535),
            },
        ),
        "active_label": Group(
            "The label of the active pod.",
            {
                "key": text("Its key."),
                "value": text("Its value on the active pod."),
                "may_be_absent": switch("Some releases never set it.", default=False),
            },
            required=("key", "value"),
        ),
        "bbs_container": text("The container whose readiness is the BBS's. Default: all of them count."),
        "passive_is_ready": switch("Whether a passive pod is Ready.", default=True),
        "tls": Group(
            "The client certificate for the ping; without it the probe is a TCP connect. A Secret in the release's "
            "namespace, mounted, so that a new one is used without a restart.",
            {
                "secret": text("The Secret's name.", pattern=OBJECT_NAME),
                "ca": text("Its key with the CA. Default: `ca.crt`.", pattern=KEY),
                "cert": text("Its key with the certificate. Default: `tls.crt`.", pattern=KEY),
                "key": text("Its key with the private key. Default: `tls.key`.", pattern=KEY),
                "server_name": text(
                    "The name to expect in the server's certificate. Default: the profile's.", "", HOST
                ),
            },
            required=("secret",),
        ),
        "locket": Value(
            {},
            "Locket's own StatefulSet (`statefulset`, `selector`), or false: it lives in the BBS pods. Default: the "
            "profile's.",
            {
                "type": ["object", "boolean"],
                "additionalProperties": False,
                "properties": {
                    "statefulset": {"type": "string", "pattern": NAME},
                    "selector": {"type": "string", "pattern": SELECTOR},
                },
                "required": ["statefulset", "selector"],
            },
        ),
        "cloud_controller": Group(
            "The Cloud Controller, as a control.",
            {
                "selector": text("Label selector of its pods. Default: the profile's.", pattern=SELECTOR),
                "address": text("`host:port` of its Service, asked when a pod times out.", pattern=HOST_PORT),
            },
        ),
        "database": Group(
            "The database, if it can be reached from here.",
            {"address": text("`host:port`; a TCP accept there shows that it can be reached.", pattern=HOST_PORT)},
            required=("address",),
        ),
        "deep_probe": switch("Also ask the BBS for something that it must read from its database.", default=False),
        "patience": Value(
            {},
            "How old a thing must be, in seconds, before it is no longer just happening.",
            fields_of(PatienceSettings),
        ),
        "timeouts": Group(
            "How long one question may take.",
            {
                "probe": seconds("Seconds for one probe. Default: 3.", 3.0, 60),
                "api": seconds("Seconds for one request to the Kubernetes API. Default: 5.", 5.0, 60),
            },
        ),
    },
    required=("name",),
)
