"""Programs that start a command in a container: docker, podman, compose, kubectl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.programs.options import Grammar, getopt, options
from ringfence.core.shell.programs.runners import Inner

_GLOBAL: Final = getopt(
    "DdvH:c:l:f:p:n:s:P:",
    "debug tls tlsverify compatibility dry-run all-resources verbose config: context: host: "
    "log-level: file: project-name: profile: env-file: project-directory: ansi: progress: parallel: "
    "namespace: kubeconfig: cluster: user: server: token: url: connection:",
)
_EXEC: Final = getopt(
    "ditTqe:u:w:c:n:f:",
    "detach interactive tty no-TTY no-tty privileged stdin quiet env: user: workdir: env-file: "
    "detach-keys: index: container: namespace: filename: pod-running-timeout: context: kubeconfig:",
)
_RUN: Final = getopt(
    "diPtTqa:e:h:l:m:p:u:v:w:c:N:",
    "detach interactive tty rm init privileged read-only no-healthcheck publish-all oom-kill-disable "
    "quiet no-deps service-ports use-aliases build remove-orphans no-TTY quiet-pull add-host: "
    "annotation: attach: blkio-weight: cap-add: cap-drop: cgroup-parent: cgroupns: cidfile: cpus: "
    "cpu-shares: device: dns: entrypoint: env: env-file: expose: gpus: group-add: health-cmd: "
    "hostname: ip: ipc: label: link: log-driver: log-opt: mac-address: memory: mount: name: network: "
    "network-alias: pid: pids-limit: platform: publish: pull: restart: runtime: security-opt: "
    "shm-size: stop-signal: stop-timeout: storage-opt: sysctl: tmpfs: ulimit: user: userns: uts: "
    "volume: volumes-from: workdir:",
)
_DOCKER: Final = frozenset({"docker", "podman", "nerdctl", "docker-compose", "podman-compose"})
_GROUPS: Final = frozenset({"compose", "container"})
_KUBE: Final = frozenset({"kubectl", "oc", "k3s", "microk8s"})


def contained(name: str, words: Sequence[Word]) -> Inner | None:
    if name in _DOCKER:
        at = options(words, _GLOBAL).at
        via = name
        if at < len(words) and words[at].text in _GROUPS:
            via = f"{via} {words[at].text}"
            at = options(words, _GLOBAL, at + 1).at
        if at < len(words) and words[at].text in {"exec", "run", "create"}:
            return _read(f"{via} {words[at].text}", words, at + 1, _EXEC if words[at].text == "exec" else _RUN)
    elif name in _KUBE:
        at = options(words, _GLOBAL).at
        if at < len(words) and words[at].text in {"kubectl", "exec"}:
            at = options(words, _GLOBAL, at + 1).at if words[at].text == "kubectl" else at
        if at < len(words) and words[at].text == "exec":
            return _in_pod(f"{name} exec", words, at + 1)
    return None


def _read(via: str, words: Sequence[Word], start: int, grammar: Grammar) -> Inner | None:
    read = options(words, grammar, start)
    rest = tuple(words[read.at + 1 :])
    entry = read.value("entrypoint")
    if entry is not None:
        rest = (entry, *rest)
    return Inner(via=via, commands=(rest,), leaves=True) if rest else None


def _in_pod(via: str, words: Sequence[Word], start: int) -> Inner | None:
    """kubectl takes options behind the pod's name too, up to `--`."""
    texts = [word.text for word in words]
    if "--" in texts[start:]:
        rest = tuple(words[texts.index("--", start) + 1 :])
    else:
        rest = tuple(words[options(words, _EXEC, options(words, _EXEC, start).at + 1).at :])
    return Inner(via=via, commands=(rest,), leaves=True) if rest else None
