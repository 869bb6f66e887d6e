"""`python -c`, `node -e`, `perl -e`, `ruby -e` and their scripts, modules and input."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.commands.readers.python_code import read_code
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_INSTALLERS: Final = frozenset({"pip", "ensurepip", "easy_install", "pipx", "uv", "poetry"})
_READ_MODULES: Final = frozenset(
    {
        "json.tool",
        "tokenize",
        "pstats",
        "dis",
        "ast",
        "platform",
        "sysconfig",
        "this",
        "calendar",
        "site",
        "tabnanny",
        "pydoc",
        "inspect",
    }
)
_SERVES: Final = frozenset({"http.server", "smtpd", "pydoc.server"})
_PIP_READS: Final = frozenset({"list", "show", "freeze", "check", "--version", "help", "config", "debug", "inspect", "index"})


def python(draft: Draft) -> None:
    """`python [OPTIONS] (-c CODE | -m MODULE | SCRIPT | -)`."""
    rest = list(draft.command.words[1:])
    while rest:
        word = rest.pop(0)
        text = word.text
        if not word.is_known and text.startswith("?"):
            draft.doubt(Undecided.CODE, "which program it runs is known only when it runs")
            return
        if text in ("-W", "-X", "--check-hash-based-pycs"):
            del rest[:1]
        elif text in ("--version", "-V", "-VV", "--help", "-h", "-?"):
            draft.settles("says")
            return
        elif text.startswith("-") and len(text) > 1 and not text.startswith("--"):
            letters = text[1:]
            for index, letter in enumerate(letters):
                if letter in "cm":
                    attached = letters[index + 1 :]
                    value = (
                        Word(text=attached, raw=word.raw, is_known=word.is_known) if attached else rest.pop(0) if rest else word
                    )
                    (_python_code if letter == "c" else _module)(draft, value, rest)
                    return
                if letter == "i":
                    draft.doubt(Undecided.CODE, "it goes on with what is typed")
        elif text == "-":
            break
        elif not text.startswith("--"):
            _script(draft, word)
            return
    if draft.command.takes_more:
        draft.doubt(Undecided.CODE, "which program it runs is known only when it runs")
    elif draft.command.stdin is not None:
        _python_code(draft, Word(text=draft.command.stdin, raw="its input"), [])
    elif draft.command.piped or draft.command.redirections:
        draft.doubt(Undecided.CODE, "it runs its input")
    else:
        draft.settles("says")


def _python_code(draft: Draft, code: Word, rest: list[Word]) -> None:
    if not code.is_known:
        draft.doubt(Undecided.CODE, "a part of the program is known only when it runs")
        return
    read = read_code(code.text)
    if read.why:
        draft.doubt(Undecided.CODE, f"a program in Python: {read.why}")
        _named(draft, code.text)
        return
    for path in read.paths:
        draft.path(Use.READ, Word(text=path, raw=path))
    # Importing a module of the project runs what stands in it, as its tests do. One that this run wrote is another matter.
    for name in read.imports:
        place = name.replace(".", "/")
        for path in (f"{place}.py", f"{place}/__init__.py", f"src/{place}.py", f"src/{place}/__init__.py"):
            draft.path(Use.EXECUTE, Word(text=path, raw=name))
    draft.settles("reads project" if read.imports else "reads")


def _module(draft: Draft, module: Word, rest: list[Word]) -> None:
    name = module.text if module.is_known else "?"
    if name == "?":
        draft.doubt(Undecided.CODE, "which module it runs is known only when it runs")
    if name in _INSTALLERS or name.startswith(("pip.", "ensurepip")):
        verb = next((word.text for word in rest if not word.text.startswith("-")), "")
        draft.settles("reads machine" if verb in _PIP_READS else "installs")
    elif name in _READ_MODULES:
        draft.settles("reads")
        for word in [word for word in rest if not word.text.startswith("-")]:
            draft.path(Use.READ, word)
        files = [word for word in rest if not word.text.startswith("-") and not word.text.isdigit()]
        for word in files[1:2] if name == "json.tool" else ():
            draft.becomes("writes")
            draft.path(Use.WRITE, word)
        if name == "pydoc" and any(word.text in ("-w", "-b", "-p", "-n") or "/" in word.text for word in rest):
            draft.doubt(Undecided.CODE, "pydoc loads a file, serves, or writes")
    elif name in ("webbrowser", "antigravity"):
        draft.settles("sends")
        draft.hosts.append("?")
    elif name in ("venv", "virtualenv", "build"):
        draft.settles("project")
        for index, word in enumerate(rest):
            named = rest[index - 1].text in ("-o", "--outdir") if index else False
            if named or (name != "build" and not word.text.startswith("-")):
                draft.path(Use.WRITE, word, below=True)
            elif word.text.startswith("--outdir="):
                draft.path(Use.WRITE, Word(text=word.text[9:], raw=word.raw, is_known=word.is_known), below=True)
    elif name == "netrc":
        draft.settles("reads")
        draft.path(Use.READ, Word(text=f"{draft.place.home}/.netrc", raw="~/.netrc"))
    elif name == "zipapp":
        draft.settles("project")
        for word in [word for word in rest if not word.text.startswith("-")][:1]:
            draft.path(Use.READ, word, below=True)
    elif name in _SERVES:
        draft.settles("serves")
        draft.path(Use.READ, Word(text=".", raw="."), below=True)
    elif name in ("smtplib", "ftplib", "telnetlib", "poplib", "imaplib", "nntplib", "asyncio", "idlelib", "turtledemo"):
        draft.doubt(Undecided.CODE, f"the module {name} does what it is told when it runs")
    elif name == "sqlite3":
        draft.settles("project")
        draft.doubt(Undecided.CODE, "SQL for a database in a file")
    elif name in ("pty", "lib2to3", "this.shell", "IPython", "bdb", "ptpython", "bpython", "xdist.looponfail"):
        draft.settles("project")
        draft.doubt(Undecided.CODE, f"the module {name} does what it is told when it runs")
    elif name in ("timeit", "cProfile", "profile", "trace", "pdb", "coverage", "runpy", "code"):
        draft.settles("project")
        for index, word in enumerate(rest):
            if word.text == "-o" and index + 1 < len(rest):
                draft.path(Use.WRITE, rest[index + 1])
        if name != "timeit":
            for word in rest:
                if word.text.endswith(".py"):
                    draft.path(Use.EXECUTE, word)
        if name in ("timeit", "code", "pdb"):
            draft.doubt(Undecided.CODE, f"the module {name} runs code that it is given")
    elif name in ("zipfile", "tarfile", "base64", "gzip", "compileall", "py_compile"):
        draft.settles("project")
        extracts = any(word.text in ("-e", "--extract") for word in rest)
        files = [word for word in rest if not word.text.startswith("-")]
        for word in files:
            draft.path(Use.READ, word, below=name in ("zipfile", "tarfile"))
        if name in ("zipfile", "tarfile") and extracts:
            draft.path(Use.WRITE, files[1] if len(files) > 1 else Word(text=".", raw="."), below=True)
        elif name in ("zipfile", "tarfile", "gzip"):
            for word in files[:1] if name != "gzip" else files:
                end = word.text.removesuffix(".gz") if word.text.endswith(".gz") else f"{word.text}.gz"
                if name == "gzip" or any(option.text in ("-c", "--create") for option in rest):
                    draft.path(Use.WRITE, Word(text=end if name == "gzip" else word.text, raw=word.raw, is_known=word.is_known))
    elif name in ("twine", "flit", "build.upload"):
        draft.settles("sends")
    else:
        draft.settles("project")


_OUTPUTS: Final = frozenset({"log_file", "cache_dir", "junit_family_file", "json_report_file", "basetemp"})


def pytest(draft: Draft) -> None:
    """`pytest`: files that a setting, or a report of coverage, names."""
    made = draft.cut
    for word in made.values("-o", "--override-ini"):
        name, _, path = word.text.partition("=")
        if name in _OUTPUTS:
            draft.path(Use.WRITE, Word(text=path, raw=word.raw, is_known=word.is_known), below=True)
    for word in [*made.values("--cov-report"), *[word for word in made.words if word.text.startswith(_REPORTS)]]:
        _, colon, path = word.text.partition(":")
        if colon:
            draft.path(Use.WRITE, Word(text=path, raw=word.raw, is_known=word.is_known), below=True)
    for word in made.values("--debug"):
        draft.path(Use.WRITE, word)


_REPORTS: Final = ("xml:", "html:", "json:", "lcov:", "annotate:", "markdown:")


def _script(draft: Draft, word: Word) -> None:
    draft.path(Use.EXECUTE, word)
    if word.text.startswith("/dev/") or word.text.startswith("/proc/"):
        draft.doubt(Undecided.CODE, "it runs its input")


_LITERAL: Final = re.compile(r"\"([^\"\\\n]{1,200})\"|'([^'\\\n]{1,200})'")
_PATH: Final = re.compile(r"[\w.~/@+-]*[./][\w.~/@+-]*")
MOST_NAMED: Final = 50


def _named(draft: Draft, code: str) -> None:
    """Texts in a program that look like paths count as read: what the program does with them nobody knows."""
    texts = [match[1] or match[2] for match in _LITERAL.finditer(code)]
    for text in [text for text in texts if _PATH.fullmatch(text)][:MOST_NAMED]:
        draft.path(Use.READ, Word(text=text, raw=text))


_NODE_PURE: Final = re.compile(
    r"""(?x)
    (?: \s | \d[\w.]* | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
      | console\s*\.\s*(?:log|error|table|dir|info)\b | JSON\s*\.\s*(?:stringify|parse)\b | Math\s*\.\s*\w+
      | Object\s*\.\s*(?:keys|values|entries|fromEntries)\b
      | process\s*\.\s*(?:version|versions|arch|platform|uptime\(\)|cwd\(\)|memoryUsage\(\)|release|pid)\b
        (?:\s*\.\s*\w+)?
      | new\s+Date\b | Date\s*\.\s*now\b | (?:Number|String|Boolean|parseInt|parseFloat|isNaN|Array|BigInt)\b
      | require\(\s*(?:'(?:\./|\.\./)?[\w./@-]+\.json'|"(?:\./|\.\./)?[\w./@-]+\.json")\s*\)
      | \.\s*(?:length|map|filter|join|split|slice|toString|toISOString|toFixed|sort|reverse|includes|indexOf|trim
        |toUpperCase|toLowerCase|replace|padStart|padEnd|reduce|forEach|version
        |name|scripts|dependencies|devDependencies|flat|some|every|find
        |startsWith|endsWith|repeat|concat|keys|values|entries|node|v8|from|isArray|isInteger|getTime)\b
      | (?:const|let|var|true|false|null|undefined|typeof|return|if|else|for|of|in)\b | =>
      | [;,:?{}()\[\]+\-*/%<>=!&|.~]
    )"""
)
_NODE_BOUND: Final = re.compile(r"\b(?:const|let|var)\s+(\w+)|\b(\w+)\s*=>|\(([\w\s,]*)\)\s*=>")
_NODE_NEVER: Final = re.compile(
    r"\b(?:constructor|__proto__|prototype|eval|Function|import|globalThis|global|module|exports|this|process\s*\.\s*(?:env|binding|exit|kill|mainModule))\b|`|\\u|\\x|\[\s*[\"']"
)
_WORKED_OUT: Final = re.compile(r"[\w)\]\"'}.]\s*\[(?!\s*\d+\s*\])|\]\s*:")
"""A member whose name is worked out may be any, one that makes code of text among them."""
MOST_NODE: Final = 4_000
_JSON_FILE: Final = re.compile(r"require\(\s*['\"]([^'\"]+\.json)['\"]\s*\)")


def node(draft: Draft) -> None:
    """`node -e CODE`, `-p CODE`, or a script."""
    made = draft.cut
    codes = made.values("-e", "--eval", "-p", "--print", "-pe")
    if made.has("--version", "-v", "--help", "-h"):
        draft.settles("says")
        return
    if made.has("-r", "--require", "--import", "--loader", "--experimental-loader"):
        draft.doubt(Undecided.CODE, "it loads a module before it runs")
    if codes or made.has("-p", "-e"):
        for code in codes:
            _node_code(draft, code)
        return
    if made.words and made.words[0].text != "-":
        draft.path(Use.EXECUTE, made.words[0])
        if not made.words[0].is_known:
            draft.doubt(Undecided.CODE, "which program it runs is known only when it runs")
        return
    if draft.command.stdin is not None:
        _node_code(draft, Word(text=draft.command.stdin, raw="its input"))
    elif draft.command.piped or draft.command.redirections or draft.command.takes_more or made.unclear:
        draft.doubt(Undecided.CODE, "it runs its input")
    else:
        draft.settles("says")


def _node_code(draft: Draft, code: Word) -> None:
    bound = {
        name
        for match in _NODE_BOUND.finditer(code.text)
        for group in match.groups()
        if group
        for name in re.findall(r"\w+", group)
    }
    is_strange = (
        not code.is_known or len(code.text) > MOST_NODE or _NODE_NEVER.search(code.text) or _WORKED_OUT.search(code.text)
    )
    if is_strange or not _is_pure(code.text, bound):
        draft.doubt(Undecided.CODE, "a program in JavaScript that may do more than print")
        _named(draft, code.text)
        return
    for path in _JSON_FILE.findall(code.text):
        name = path if path.startswith((".", "/")) else f"node_modules/{path}"
        draft.path(Use.READ, Word(text=name, raw=path))
    draft.settles("reads")


def _is_pure(text: str, bound: set[str]) -> bool:
    at = 0
    while at < len(text):
        match = _NODE_PURE.match(text, at)
        word = re.compile(r"\w+").match(text, at)
        if word and word[0] in bound and word[0] not in ("require", "process"):
            at = word.end()
        elif match and match.end() > at:
            at = match.end()
        else:
            return False
    return True


def other(draft: Draft) -> None:
    """`perl -e`, `ruby -e`, `php -r`, `lua -e`: nothing of them is read; a script is the project's code."""
    made = draft.cut
    if made.has("-v", "--version", "-V", "--help", "-h") and not made.words and not draft.doubts:
        draft.settles("says")
        return
    if draft.doubts:
        return
    if made.words:
        draft.path(Use.EXECUTE, made.words[0])
        if not made.words[0].is_known:
            draft.doubt(Undecided.CODE, "which program it runs is known only when it runs")
        if made.has("-i", "-n", "-p"):
            draft.doubt(Undecided.CODE, "a program that changes files in their place")
    elif draft.command.stdin is not None or draft.command.piped or draft.command.redirections or draft.command.takes_more:
        draft.doubt(Undecided.CODE, "it runs its input")
    else:
        draft.settles("says")


def calculates(draft: Draft) -> None:
    """`dc`: a line of its input that begins with `!` is a command."""
    text = draft.command.stdin
    if draft.command.piped or draft.command.redirections or draft.command.takes_more or (text is not None and "!" in text):
        draft.doubt(Undecided.CODE, "it runs lines of its input as commands")


def shell(draft: Draft) -> None:
    """`bash SCRIPT`; what `-c` runs is read as commands of their own before this."""
    made = draft.cut
    if made.has("-n") or any(word.text == "noexec" for word in made.values("-o")):
        draft.settles("reads")
        for word in made.words:
            draft.path(Use.READ, word)
        return
    if made.has("-c"):
        draft.settles("says")
        return
    if made.words:
        draft.path(Use.EXECUTE, made.words[0])
    elif made.has("--version", "--help"):
        draft.settles("says")


def sources(draft: Draft) -> None:
    """`source FILE`: it is read, and run."""
    words = draft.command.words[1:]
    for word in words[:1]:
        draft.path(Use.READ, word)
        draft.path(Use.EXECUTE, word)
