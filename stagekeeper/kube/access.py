"""From a kubeconfig, or a pod's ServiceAccount, to what a client needs: address, trust, proxy, credential.

What client-go takes from each key is taken here (tools/clientcmd/client_config.go, transport/transport.go). The library
`kubernetes` has a loader of its own; docs/decisions/0011-kubeconfig.md says why it is not used.
"""

import base64
import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import structlog

from stagekeeper import trust
from stagekeeper.kube import kubeconfig, own_pod
from stagekeeper.kube.credentials import CertificateFiles, CredentialError, Fixed, Renewed, Secrets, Source, TokenFile
from stagekeeper.kube.credentials import bearer as bearer_header
from stagekeeper.kube.kubeconfig import ContextEntries, KubeconfigEntry, KubeconfigError
from stagekeeper.kube.proxies import ProxyError, proxy_for

_REMOVED = {
    "gcp": "use the plugin gke-gcloud-auth-plugin",
    "azure": "use the plugin kubelogin (kubelogin convert-kubeconfig)",
}
"""Providers that client-go had once, and what took their place."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """The way to one API server."""

    server: str
    """Scheme, host, port and path, without a trailing slash and without user information."""
    source: Source
    secrets: Secrets = field(default_factory=Secrets)
    authorities: str | None = field(default=None, repr=False)
    """PEM; None for those of the system."""
    verify: bool = True
    server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)
    impersonate: tuple[tuple[str, str], ...] = ()
    """Headers, of which one name may come twice."""


def from_service_account() -> Access:
    """The pod's own. Raises `KubeconfigError`."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    secrets = Secrets()
    try:
        authorities = trust.bundle(kubeconfig.read_bounded(own_pod.SERVICE_ACCOUNT / "ca.crt"))
        proxy = proxy_for(server)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise KubeconfigError(
            f"the ServiceAccount's {own_pod.SERVICE_ACCOUNT / 'ca.crt'} can't be used: {why}"
        ) from problem
    except ProxyError as problem:
        raise KubeconfigError(str(problem)) from problem
    _hide_password(proxy, secrets)
    return Access(server, TokenFile(own_pod.SERVICE_ACCOUNT / "token", secrets), secrets, authorities, proxy=proxy)


def from_kubeconfig(found: ContextEntries) -> Access:
    """What a kubeconfig says. Raises `KubeconfigError`."""
    for each in found.unknown:
        _log.warning("a key of the kubeconfig means nothing, and is ignored as kubectl does", reason=each)
    cluster, user, secrets = found.cluster, found.user, Secrets()
    server, basic = _server(cluster)
    authority = cluster.material("certificate-authority")
    insecure = cluster.flag("insecure-skip-tls-verify")
    if authority and insecure:
        raise cluster.wrong("certificate-authority and insecure-skip-tls-verify exclude each other")
    pem = authority.read() if authority else b""
    try:
        authorities = trust.bundle(pem) if authority else None
        proxy = proxy_for(server, cluster.text("proxy-url"))
    except ValueError as problem:
        raise cluster.wrong(f"certificate-authority: {problem}") from problem
    except ProxyError as problem:
        raise cluster.wrong(str(problem)) from problem
    _hide_password(proxy, secrets)
    if _safe(server):
        source = _source(user, secrets, cluster, server, pem, basic)
    else:
        _log.warning("no credential is sent to a server without TLS, as with kubectl", server=server)
        source = Fixed()
    return Access(
        server, source, secrets, authorities,
        verify=not insecure, server_name=cluster.text("tls-server-name") or None,
        proxy=proxy, impersonate=tuple(_impersonate(user)),
    )  # fmt: skip


def _server(cluster: KubeconfigEntry) -> tuple[str, str]:
    """The address, and `name:password` if that stands in it."""
    given = cluster.text("server")
    if not given:
        raise cluster.wrong("server is missing")
    try:
        url = urlsplit(given if "://" in given else f"http://{given}")
        _ = url.port  # raises for one that is no number
    except ValueError:
        raise cluster.wrong("server is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise cluster.wrong("server must be a URL that begins with https:// (or http://)")
    basic, _, host = url.netloc.rpartition("@")
    return urlunsplit((url.scheme, host, url.path.rstrip("/"), "", "")), unquote(basic)


def _safe(server: str) -> bool:
    """Whether nobody on the way can read what we send: TLS, or our own machine."""
    url = urlsplit(server)
    try:
        local = ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        local = url.hostname == "localhost"
    return url.scheme == "https" or local


def _source(  # noqa: PLR0913, PLR0917 -- what a plugin is told of the cluster comes from all of these
    user: KubeconfigEntry, secrets: Secrets, cluster: KubeconfigEntry, server: str, pem: bytes, basic: str
) -> Source:
    """The credential of a user entry, in client-go's order of precedence."""
    certificate, key = user.material("client-certificate"), user.material("client-key")
    if certificate and not key:
        raise user.wrong("client-certificate needs client-key")
    try:
        source = _static(user, secrets, basic)
        if source is None:
            source = _fetching(user, secrets, cluster, server, pem, certificate=bool(certificate))
        return CertificateFiles(source, certificate, key) if certificate and key else source
    except CredentialError as problem:
        raise user.wrong(str(problem)) from problem
    except ValueError as problem:
        raise user.wrong(f"client-certificate and client-key: {problem}") from problem


def _static(user: KubeconfigEntry, secrets: Secrets, basic: str) -> Source | None:
    """A token or a password, if there is one."""
    token, path = user.text("token").strip(), user.path("tokenFile")
    name, password = user.text("username"), user.text("password")
    secrets.add(token, password)
    if token and (name or password):
        raise user.wrong("token and username exclude each other")
    if path:
        return TokenFile(path, secrets, token)
    if token:
        return Fixed(bearer_header(token, "this entry"))
    if name or password or basic:
        encoded = base64.b64encode((f"{name}:{password}" if name or password else basic).encode()).decode()
        secrets.add(encoded, basic.partition(":")[2])
        return Fixed(f"Basic {encoded}")
    return None


def _fetching(  # noqa: PLR0913 -- as `_source`
    user: KubeconfigEntry, secrets: Secrets, cluster: KubeconfigEntry, server: str, pem: bytes, *, certificate: bool
) -> Source:
    """A plugin or a provider; nothing if there is neither. Imported when used: most have none."""
    plugin, provider = user.part("exec"), user.part("auth-provider")
    if plugin and provider:
        raise user.wrong("exec and auth-provider exclude each other")
    if plugin and not certificate:
        from stagekeeper.kube.exec_plugin import ExecPlugin, cluster_info  # noqa: PLC0415

        return Renewed(ExecPlugin(plugin, cluster_info(cluster, server, pem), secrets).fetch)
    if provider:
        name = provider.text("name")
        if name != "oidc":
            instead = _REMOVED.get(name, "use a credential plugin (exec)")
            raise user.wrong(f"auth-provider {name or 'without a name'} is not there any more: {instead}")
        from stagekeeper.kube.oidc import Oidc  # noqa: PLC0415

        oidc = Oidc(provider, secrets)
        return Renewed(oidc.fetch, oidc.first())
    return Fixed()


def _impersonate(user: KubeconfigEntry) -> Iterator[tuple[str, str]]:
    name, uid, groups, extra = user.text("as"), user.text("as-uid"), user.texts("as-groups"), user.part("as-user-extra")
    if not name:
        if uid or groups or extra:
            raise user.wrong("as-uid, as-groups and as-user-extra need as")
        return
    yield "Impersonate-User", name
    if uid:
        yield "Impersonate-Uid", uid
    yield from (("Impersonate-Group", each) for each in groups)
    if extra:
        for key in extra.content:
            name = f"Impersonate-Extra-{quote(str(key).lower(), safe='')}"
            yield from ((name, each) for each in extra.texts(key))


def _hide_password(proxy: str | None, secrets: Secrets) -> None:
    if proxy and (password := unquote(urlsplit(proxy).password or "")):
        name = unquote(urlsplit(proxy).username or "")
        secrets.add(password, base64.b64encode(f"{name}:{password}".encode()).decode())
