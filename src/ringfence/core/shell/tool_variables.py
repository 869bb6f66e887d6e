"""Variables of single tools, which take options, settings, programs and folders from there."""

from __future__ import annotations

import re
from typing import Final

_STEERS: Final = re.compile(
    r"LESS|LESS(KEY|HISTFILE|EDIT|GLOBALTAGS)\w*|MAN(OPT|PATH|ROFFOPT|ROFFSEQ)|GROFF_\w+|LOCPATH|NLSPATH|GLIBC_TUNABLES|MALLOC_TRACE"
    r"|HOSTALIASES|NODE_(REPL|V8|REDIRECT|EXTRA|TLS|COMPILE|PENDING|ICU)_\w+|npm_(execpath|node_execpath|lifecycle_\w+)|pnpm_config_\w+"
    r"|PNPM_HOME|COREPACK_\w+|YARN_\w+|PYTHON(PYCACHEPREFIX|CASEOK)|PYTEST_(ADDOPTS|PLUGINS)|COVERAGE_\w+|MYPY\w+|RUFF_\w+|BLACK_\w+"
    r"|TOX_\w+|NOX\w+|ALEMBIC_CONFIG|POETRY_\w+|PDM_\w+|VIRTUAL_ENV|CONDA_\w+"
    r"|GO(TOOLCHAIN|ROOT|ENV|TOOLDIR|BIN|CACHE|CACHEPROG|MODCACHE|PATH|PRIVATE|SUMDB|INSECURE|WORK|AUTH|VCS|COVERDIR)|GONO\w+"
    r"|CGO_\w*FLAGS\w*|PKG_CONFIG\w*|AR|FC|GCCGO|RUST(DOC|FMT|DOCFLAGS)|RUSTUP_\w+|CARGO|CARGO_\w+|JAVA(_HOME|CMD|_OPTS|_ARGS)"
    r"|MAVEN_\w+|M2_HOME|MVNW_\w+|GRADLE_\w+|KOTLIN_\w+|APP_HOME|DEFAULT_JVM_OPTS|MFLAGS|MAKESHELL|JUST_\w+|COMPOSE_\w+|DOCKER_\w+"
    r"|BUILDKIT_HOST|BUILDX_\w+|KUBECTL_\w+|KUBE_\w+|TF_\w+|PG(PASSFILE|SYSCONFDIR|SERVICE|LOCALEDIR|SSL\w+)|PSQL_\w+|SSLKEYLOGFILE"
    r"|SSL_CERT_\w+|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|JQ_LIBRARY_PATH|AWK(LIB)?PATH|TS_NODE_\w+|GNUPGHOME|SSH_AUTH_SOCK|XDG_\w+_(HOME|DIRS)"
)
_ONLY_TELLS: Final = re.compile(
    r"CARGO_(TERM_\w+|INCREMENTAL|NET_(OFFLINE|RETRY)|BUILD_JOBS|PROFILE_\w+_(OPT_LEVEL|DEBUG|LTO|STRIP|INCREMENTAL|CODEGEN_UNITS))"
    r"|COMPOSE_(PROJECT_NAME|PROFILES|HTTP_TIMEOUT|PARALLEL_LIMIT|PROGRESS|ANSI|IGNORE_ORPHANS|BAKE|MENU)"
    r"|DOCKER_(BUILDKIT|DEFAULT_PLATFORM|CLI_HINTS|SCAN_SUGGEST)"
    r"|TF_(LOG|LOG_CORE|LOG_PROVIDER|IN_AUTOMATION|INPUT|WORKSPACE|VAR_\w+)"
    r"|POETRY_(VIRTUALENVS_IN_PROJECT|NO_INTERACTION|VERSION)|COREPACK_ENABLE_\w+|CONDA_(DEFAULT_ENV|PROMPT_MODIFIER)|PGSSLMODE"
)
_VALUES: Final = tuple(
    (re.compile(name), re.compile(value))
    for name, value in (
        (r"LESS", r"[-A-Za-z]*"),
        (r"PYTEST_ADDOPTS", r"(\s*(-[vqsx]+|-n ?\d+|--color=\w+|--tb=\w+|--maxfail=\d+|-m ?\w+|-k ?\w+))*"),
        (r"JAVA_HOME|GOROOT", r"/(usr|opt|Library|nix)/(?!.*\.\.)[\w./@+-]*"),
        (r"RUSTUP_TOOLCHAIN|GOTOOLCHAIN", r"(stable|beta|nightly|local|go)?[\d.-]*"),
        (r"VIRTUAL_ENV", r"\.?venv"),
        (r"JAVA_OPTS", r"(\s*-(X(mx|ms|ss)\d+[kmg]?|Dorg\.gradle\.[\w.]+=\w+|Dfile\.encoding=[\w-]+))*"),
        (r"MYPYPATH", r"(?!/)(?!.*\.\.)(?!~)[\w./:-]*"),
        (r"RUSTDOCFLAGS", r"(\s*-[DAWF] ?[\w:-]+)*"),
        (r"DOCKER_CONTENT_TRUST", r"1"),
        (r"NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE", r"/etc/ssl/(?!.*\.\.|private)[\w./-]*"),
    )
)  # fmt: skip
"""Values that a person gives every day, and that lead nowhere else."""


def steers_a_tool(name: str, text: str, *, is_known: bool) -> bool:
    """Whether a variable with such a value has a tool run, load, write or reach something besides."""
    if _STEERS.fullmatch(name) is None or _ONLY_TELLS.fullmatch(name):
        return False
    return not (is_known and any(one.fullmatch(name) and what.fullmatch(text) for one, what in _VALUES))
