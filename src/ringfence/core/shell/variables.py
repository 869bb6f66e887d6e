"""Variables that decide which program runs, or what one runs besides; options that decide which files a pattern fits."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.tool_variables import steers_a_tool
from ringfence.core.shell.values import Value

CHANGES_PATTERNS: Final = frozenset({"dotglob", "extglob", "globstar", "nocaseglob"})
"""Options of the shell with which a pattern fits other paths than are looked for here."""
_LOADS: Final = re.compile(
    r"PATH|CDPATH|GLOBIGNORE|BASH_CMDS|BASH_ALIASES|LD_\w+|DYLD_\w+|BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PS[0-4]|PROMPT_COMMAND|BASH_FUNC_.*|SHELL|INPUTRC|HISTFILE|TERMINFO"
    r"|PYTHON(PATH|STARTUP|HOME|INSPECT|BREAKPOINT|USERBASE|EXECUTABLE|PLATLIBDIR)|PERL5?(LIB|OPT|DB)|RUBY(OPT|LIB)|NODE_(OPTIONS|PATH)"
    r"|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|MAVEN_OPTS|GRADLE_OPTS|CLASSPATH|GCONV_PATH|LUA_(INIT|PATH|CPATH)\w*|R_PROFILE\w*"
    r"|PHPRC|PHP_INI_SCAN_DIR|ERL_\w*FLAGS|GIT_\w+|HG\w*|SSH_ASKPASS|SUDO_ASKPASS|RSYNC_RSH|CVS_RSH|TAR_OPTIONS|MAKEFLAGS|GNUMAKEFLAGS|MAKEFILES"
    r"|GOFLAGS|GOPROXY|CC|CXX|LD|RUSTC\w*|RUSTFLAGS|CARGO_(BUILD_RUSTC|TARGET)\w*|npm_config_\w+|NPM_CONFIG_\w+|PIP_\w+|UV_\w+"
    r"|WGETRC|CURL_HOME|\w*_?PROXY|\w*_?proxy|DOCKER_(HOST|CONFIG|CONTEXT)|KUBECONFIG|TF_CLI_\w+|AWS_(CONFIG_FILE|PROFILE)|PSQLRC|PGSERVICEFILE"
    r"|PGHOST|PGHOSTADDR|MYSQL_HOST|TMUX|GREP_OPTIONS|XDG_CONFIG_\w+|HOME|CARGO_HOME|OPENSSL_CONF|RIPGREP_CONFIG_PATH|RSYNC_CONNECT_PROG"
    r"|SQLITE_HISTORY|AWS_ENDPOINT_URL\w*|ANTHROPIC_\w*BASE_URL"
)
_RUNS: Final = re.compile(
    r"\w*PAGER|\w*EDITOR|VISUAL|BROWSER|LESSOPEN|LESSCLOSE|MANPAGER|GIT_(EDITOR|PAGER|SEQUENCE_EDITOR)|DIFFPROG"
)
_HARMLESS: Final = frozenset({"", "true", ":", "cat", "less", "false", "/bin/true", "/bin/cat"})
_NOTHING_NEW: Final = re.compile(
    r"GIT_((AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|TERMINAL_PROMPT|OPTIONAL_LOCKS|MERGE_AUTOEDIT|PAGER_IN_USE|LFS_SKIP_SMUDGE)"
    r"|PIP_(DISABLE_PIP_VERSION_CHECK|NO_INPUT|PROGRESS_BAR|QUIET|NO_CACHE_DIR)|(npm_config|NPM_CONFIG)_(loglevel|yes|fund|audit|progress)"
)
_VALUES: Final = tuple(
    (re.compile(name), re.compile(value))
    for name, value in (
        # What stands in the project is run by its own tools anyway.
        (r"PYTHONPATH|NODE_PATH", r"(?!/)(?!.*(\.\.|:/))[\w./:-]*"),
        # A path would be a file that is written.
        (r"GIT_TRACE\w*", r"|[012]|true|false"),
        (
            r"NODE_OPTIONS",
            r"(\s*--(max-old-space-size=\d+|experimental-vm-modules|no-warnings|enable-source-maps|trace-warnings))+",
        ),
        (r"RUSTFLAGS", r"(\s*(-[DAWF] ?[\w:-]+|-C ?target-cpu=\w+|-C ?debuginfo=\d))*"),
        (r"GOFLAGS", r"(\s*-(mod=\w+|race|v|tags=[\w,]+|count=\d+|trimpath|buildvcs=\w+))*"),
        (
            r"(JAVA_TOOL|_JAVA|MAVEN|GRADLE)_(OPTIONS|OPTS)",
            r"(\s*-(X(mx|ms|ss)\d+[kmg]?|Dorg\.gradle\.[\w.]+=\w+|Dfile\.encoding=[\w-]+))*",
        ),
        (r"MAKEFLAGS", r"(\s*-(j|k|s|n)\d*)*"),
        (r"CC|CXX", r"(gcc|g\+\+|clang|clang\+\+|cc|c\+\+)(-\d+)?"),
        (r"PGHOST(ADDR)?|MYSQL_HOST", r"localhost|127\.0\.0\.1|::1"),
        (r"SHELL", r"/bin/(ba|z|da)?sh"),
        (r"PS[0-4]", r"[^$`\\]*"),
    )
)


def changes_what_runs(name: str, value: Value) -> bool:
    """Whether an assignment may make a later command another one, or have it run or reach something besides."""
    if _RUNS.fullmatch(name):
        return not value.is_known or value.text not in _HARMLESS
    if _NOTHING_NEW.fullmatch(name):
        return False
    if _LOADS.fullmatch(name) is None:
        return steers_a_tool(name, value.text, is_known=value.is_known)
    return not (value.is_known and any(one.fullmatch(name) and what.fullmatch(value.text) for one, what in _VALUES))
