"""Variables that decide which program runs, or what a program runs besides."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.values import Value

_LOADS: Final = re.compile(
    r"PATH|CDPATH|IFS_|LD_\w+|DYLD_\w+|BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PS[0-4]|PROMPT_COMMAND|BASH_FUNC_.*|SHELL|INPUTRC|HISTFILE|TERMINFO"
    r"|PYTHON(PATH|STARTUP|HOME|INSPECT|BREAKPOINT|USERBASE|EXECUTABLE|PLATLIBDIR)|PERL5?(LIB|OPT|DB)|RUBY(OPT|LIB)|NODE_(OPTIONS|PATH)"
    r"|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|MAVEN_OPTS|GRADLE_OPTS|CLASSPATH|GCONV_PATH|LUA_(INIT|PATH|CPATH)\w*|R_PROFILE\w*"
    r"|PHPRC|PHP_INI_SCAN_DIR|ERL_\w*FLAGS|GIT_\w+|HG\w*|SSH_ASKPASS|SUDO_ASKPASS|RSYNC_RSH|CVS_RSH|TAR_OPTIONS|MAKEFLAGS|GNUMAKEFLAGS|MAKEFILES"
    r"|GOFLAGS|GOPROXY|CC|CXX|LD|RUSTC\w*|RUSTFLAGS|CARGO_(BUILD_RUSTC|TARGET)\w*|npm_config_\w+|NPM_CONFIG_\w+|PIP_\w+|UV_\w*INDEX\w*"
    r"|WGETRC|CURL_HOME|\w*_?PROXY|\w*_?proxy|DOCKER_(HOST|CONFIG|CONTEXT)|KUBECONFIG|TF_CLI_\w+|AWS_(CONFIG_FILE|PROFILE)|PSQLRC|PGSERVICEFILE"
    r"|PGHOST|PGHOSTADDR|MYSQL_HOST|TMUX|GREP_OPTIONS|XDG_CONFIG_\w+|HOME"
)
_RUNS: Final = re.compile(
    r"\w*PAGER|\w*EDITOR|VISUAL|BROWSER|LESSOPEN|LESSCLOSE|MANPAGER|GIT_(EDITOR|PAGER|SEQUENCE_EDITOR)|DIFFPROG"
)
_HARMLESS: Final = frozenset({"", "true", ":", "cat", "less", "false", "/bin/true", "/bin/cat"})
_HARMLESS_GIT: Final = re.compile(
    r"GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|GIT_TERMINAL_PROMPT|GIT_OPTIONAL_LOCKS|GIT_TRACE\w*|GIT_MERGE_AUTOEDIT|GIT_PAGER_IN_USE|GIT_LFS_SKIP_SMUDGE"
)


def changes_what_runs(name: str, value: Value) -> bool:
    if _RUNS.fullmatch(name):
        return not value.is_known or value.text not in _HARMLESS
    return _LOADS.fullmatch(name) is not None and _HARMLESS_GIT.fullmatch(name) is None
