"""A text in Python that surely does nothing but work something out, print it, and read files that it names.

A list of what is allowed, never of what is not: any name, attribute, import or kind of node that is not on it makes a doubt.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 20_000
_NAMES: Final = frozenset({
    "print", "len", "range", "sorted", "reversed", "enumerate", "zip", "map", "filter", "sum", "min", "max", "abs",
    "round", "int", "float", "str", "bool",
    "list", "dict", "set", "tuple", "frozenset", "bytes", "repr", "ord", "chr", "hex", "oct", "bin", "any", "all",
    "divmod", "pow", "isinstance",
    "type", "iter", "next", "hash", "format", "complex", "slice", "True", "False", "None", "open", "ascii", "callable",
    "bytearray",
    "Exception", "ValueError", "KeyError", "TypeError", "IndexError", "StopIteration", "ImportError",
    "ModuleNotFoundError", "OSError", "FileNotFoundError",
})  # fmt: skip
_MODULES: Final[dict[str, frozenset[str]]] = {
    "sys": frozenset({
        "version", "version_info", "executable", "platform", "path", "maxsize", "byteorder", "prefix", "base_prefix",
        "implementation", "argv", "stdin", "stdout", "stderr", "exit", "getsizeof", "hexversion", "api_version",
        "float_info", "int_info", "getrecursionlimit",
    }),
    "json": frozenset({"loads", "dumps", "load", "dump"}),
    "math": frozenset({"*"}), "statistics": frozenset({"*"}), "fractions": frozenset({"*"}), "decimal": frozenset({"*"}),
    "string": frozenset({"*"}),
    "itertools": frozenset({"*"}), "collections": frozenset({"Counter", "defaultdict", "OrderedDict", "deque", "namedtuple"}),
    "datetime": frozenset({"*"}),
    "time": frozenset({"time", "strftime", "gmtime", "localtime", "perf_counter", "monotonic", "time_ns", "ctime"}),
    "calendar": frozenset({"*"}), "random": frozenset({"*"}), "uuid": frozenset({"uuid4", "uuid1", "uuid5", "UUID"}),
    "re": frozenset({"*"}), "textwrap": frozenset({"*"}),
    "base64": frozenset({
        "b64encode", "b64decode", "urlsafe_b64encode", "urlsafe_b64decode", "b32encode", "b32decode", "b16encode",
        "b16decode",
    }),
    "hashlib": frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256"}),
    "binascii": frozenset({"hexlify", "unhexlify", "crc32"}),
    "platform": frozenset({"*"}), "tomllib": frozenset({"loads", "load"}),
    "operator": frozenset({"add", "sub", "mul", "itemgetter"}), "struct": frozenset({"pack", "unpack", "calcsize"}),
    "urllib.parse": frozenset({"*"}), "html": frozenset({"escape", "unescape"}), "unicodedata": frozenset({"*"}),
    "secrets": frozenset({"token_hex", "token_urlsafe", "token_bytes", "randbelow", "choice"}),
    "importlib.metadata": frozenset({"version", "metadata", "distributions", "requires", "files", "packages_distributions"}),
    "importlib.util": frozenset({"find_spec"}), "csv": frozenset({"reader", "DictReader"}),
    "zoneinfo": frozenset({"ZoneInfo", "available_timezones"}), "ast": frozenset({"literal_eval"}),
    "sysconfig": frozenset({"*"}), "site": frozenset({"getsitepackages", "getusersitepackages"}),
    "locale": frozenset({"getpreferredencoding"}), "keyword": frozenset({"*"}), "types": frozenset[str](),
    "pprint": frozenset({"pprint", "pformat"}), "functools": frozenset({"reduce"}), "heapq": frozenset({"*"}),
    "bisect": frozenset({"*"}), "copy": frozenset({"*"}), "typing": frozenset({"Any"}),
    "os": frozenset({"cpu_count", "sep", "name", "linesep", "getpid", "uname"}),
    "os.path": frozenset({"basename", "dirname", "splitext", "join"}),
}  # fmt: skip
"""What is known of each module: `*` is all of it."""
_ATTRIBUTES: Final = frozenset({
    "read", "readline", "readlines", "splitlines", "split", "rsplit", "strip", "lstrip", "rstrip", "join", "lower",
    "upper", "title", "replace", "startswith",
    "endswith", "find", "rfind", "index", "count", "format", "encode", "decode", "isdigit", "isalpha", "isalnum",
    "isspace", "zfill", "ljust", "rjust", "center", "partition", "rpartition",
    "casefold", "capitalize", "swapcase", "keys", "values", "items", "get", "append", "extend", "pop", "insert",
    "remove", "sort", "reverse", "add", "update", "union", "intersection", "difference",
    "setdefault", "copy", "clear", "most_common", "elements", "group", "groups", "groupdict", "start", "end", "span",
    "match", "search", "findall", "finditer", "sub", "fullmatch", "hexdigest", "digest",
    "isoformat", "strftime", "timestamp", "date", "time", "now", "today", "utcnow", "fromisoformat", "total_seconds",
    "days", "seconds", "year", "month", "day", "hour", "minute", "second", "timedelta", "datetime",
    "major", "minor", "micro", "name", "origin", "write", "flush", "close", "isupper", "islower", "removeprefix",
    "removesuffix", "is_integer", "bit_length", "to_bytes", "from_bytes", "fromhex", "hex", "real", "imag", "version",
    "hostname", "netloc", "scheme", "path", "query", "port", "symmetric_difference", "issubset", "issuperset",
    "fromkeys", "sep", "expandtabs", "translate", "maketrans", "tzinfo", "utc", "timezone", "astimezone", "weekday",
    "isoweekday", "isocalendar",
    "appendleft", "popleft", "rotate", "numerator", "denominator", "quantize", "as_tuple", "metadata", "requires",
    "fieldnames", "int", "bytes", "urn", "fields",
})  # fmt: skip
"""Attributes of values that are no modules. `__file__`, `__name__` and `__version__` of modules are allowed besides."""
_DUNDERS: Final = frozenset({"__file__", "__name__", "__version__", "__doc__", "__path__", "__len__"})
_NODES: Final = (
    ast.Module, ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.While, ast.If, ast.With, ast.withitem,
    ast.Import, ast.ImportFrom, ast.alias, ast.Pass,
    ast.Break, ast.Continue, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Store, ast.Del, ast.Attribute, ast.Subscript,
    ast.Slice, ast.Constant, ast.JoinedStr,
    ast.FormattedValue, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.comprehension, ast.BinOp, ast.UnaryOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.Lambda, ast.arguments, ast.arg, ast.Starred, ast.operator, ast.unaryop, ast.boolop,
    ast.cmpop, ast.NamedExpr, ast.Assert, ast.Try,
    ast.ExceptHandler, ast.FunctionDef, ast.Return, ast.Raise, ast.Interactive, ast.Delete,
)  # fmt: skip


@dataclass(slots=True)
class Read:
    """What a text comes to."""

    paths: list[str] = field(default_factory=list[str])
    """Files that it reads."""
    why: str = ""
    """Why it may do more; empty: it surely does not."""
    imports: list[str] = field(default_factory=list[str])
    """Modules that it loads and that are not of the standard library: their code is the project's."""


_VALUES: Final[Mapping[str, frozenset[str]]] = {
    "sys": frozenset({"stdin", "stdout", "stderr", "version", "version_info", "implementation", "platform", "executable"}),
    "datetime": frozenset({"datetime", "date", "timedelta", "timezone", "time"}),
}
"""Names in modules whose own attributes are those of values."""


def _is_told(module: str, name: str) -> bool:
    """Whether a name of a module is known to do nothing. A module that another one has loaded is none of its names."""
    allowed = _MODULES.get(module)
    if allowed is None or name.startswith("_"):
        return False
    if "*" not in allowed:
        return name in allowed
    return name not in _STANDARD and name not in _TOPS


class _StrangeError(ValueError):
    pass


def read_code(text: str) -> Read:
    """What a text would do. Total: text that is no Python, or too long, has its why."""
    if len(text) > MOST:
        return Read(why="it is too long to be read")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Read(why="it is no Python that can be read")
    found = Read()
    reader = _Reader(found)
    try:
        for node in ast.walk(tree):
            reader.node(node)
        reader.names(tree)
    except _StrangeError as strange:
        return Read(why=str(strange))
    except RecursionError:
        return Read(why="it is nested too deeply")
    return found


class _Reader:
    def __init__(self, found: Read) -> None:
        self._found = found
        self._modules: dict[str, str] = {}
        """Names in the text that are modules, and which."""
        self._given: set[str] = set()
        """Names that the text itself gives."""
        self._own: set[str] = set()
        """Modules of the project: nothing of them is called."""

    def node(self, node: ast.AST) -> None:
        """The kind of node, and what it brings in."""
        if not isinstance(node, _NODES):
            raise _StrangeError(f"it holds {type(node).__name__}")
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._import(alias.name, alias.asname)
        elif isinstance(node, ast.ImportFrom):
            self._from(node)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            self._given.add(node.id)
        elif isinstance(node, ast.arg):
            self._given.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            if node.decorator_list:
                raise _StrangeError("it decorates a function")
            self._given.add(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self._given.add(node.name)

    def _import(self, name: str, known_as: str | None) -> None:
        top = name.partition(".")[0]
        if name in _MODULES:
            self._modules[known_as or top] = name if known_as else top
            return
        if top in _MODULES or top in _STANDARD:
            raise _StrangeError(f"it imports {name}")
        self._found.imports.append(name)
        self._own.add(known_as or top)

    def _from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        allowed = _MODULES.get(module)
        for alias in node.names:
            if allowed is None or alias.name == "*" or not _is_told(module, alias.name):
                whole = f"{module}.{alias.name}"
                if whole in _MODULES:
                    self._modules[alias.asname or alias.name] = whole
                    continue
                raise _StrangeError(f"it imports {alias.name} from {module}")
            self._given.add(alias.asname or alias.name)

    def names(self, tree: ast.AST) -> None:
        """Every name and attribute, once all imports are known."""
        if (self._given & (_NAMES | set(self._modules) | self._own)) - {"format", "type", "hash", "next"}:
            raise _StrangeError("it gives a known name another meaning")
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        based = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                self._name(node, is_called=id(node) in called, is_based=id(node) in based)
            elif isinstance(node, ast.Attribute):
                self._attribute(node, is_called=id(node) in called)
            elif isinstance(node, ast.Call):
                self._call(node)

    def _name(self, node: ast.Name, *, is_called: bool, is_based: bool) -> None:
        if node.id in self._modules or node.id in self._own:
            if not is_based:
                raise _StrangeError(f"it hands {node.id} on")
            return
        if node.id == "open" and not is_called:
            raise _StrangeError("it hands open on")
        if node.id not in _NAMES and node.id not in self._given:
            raise _StrangeError(f"it uses {node.id}")

    def _attribute(self, node: ast.Attribute, *, is_called: bool) -> None:
        if not isinstance(node.ctx, ast.Load):
            raise _StrangeError("it sets an attribute")
        base = _dotted(node.value)
        module = None
        if base is not None:
            head, _, rest = base.partition(".")
            if head in self._own:
                if node.attr in _DUNDERS and not rest and not is_called:
                    return
                raise _StrangeError(f"it runs code of {head}")
            if head in self._modules:
                module = self._modules[head] + ("." + rest if rest else "")
        if module is not None:
            whole = f"{module}.{node.attr}"
            if whole in _MODULES or any(name.startswith(whole + ".") for name in _MODULES):
                return
            if module in _MODULES:
                if _is_told(module, node.attr):
                    return
                raise _StrangeError(f"it uses {whole}")
            owner, _, value = module.rpartition(".")
            if value not in _VALUES.get(owner, frozenset()):
                raise _StrangeError(f"it uses {whole}")
        if node.attr in _DUNDERS and not is_called:
            return
        if node.attr not in _ATTRIBUTES:
            raise _StrangeError(f"it uses .{node.attr}")

    def _call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            self._open(node)
        elif (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "write"
            and _dotted(node.func.value) not in ("sys.stdout", "sys.stderr")
        ):
            raise _StrangeError("it writes")
        for keyword in node.keywords:
            if keyword.arg in ("file", "key", "default", "object_hook", "cls", "default_factory") and isinstance(
                keyword.value, ast.Call
            ):
                raise _StrangeError("it hands a call on")

    def _open(self, node: ast.Call) -> None:
        path = node.args[0] if node.args else None
        mode = node.args[1] if len(node.args) > 1 else next((key.value for key in node.keywords if key.arg == "mode"), None)
        if not isinstance(path, ast.Constant) or not isinstance(path.value, str):
            raise _StrangeError("it opens a file whose name is worked out")
        if mode is not None and not (
            isinstance(mode, ast.Constant) and isinstance(mode.value, str) and set(mode.value) <= set("rbtU")
        ):
            raise _StrangeError("it opens a file for writing")
        if len(node.args) > 2 or any(key.arg not in ("mode", "encoding", "errors", "newline") for key in node.keywords):
            raise _StrangeError("it opens a file in a way of its own")
        self._found.paths.append(path.value)


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


_STANDARD: Final = frozenset({
    "os", "subprocess", "shutil", "socket", "ctypes", "pty", "runpy", "code", "codeop", "builtins", "importlib",
    "pathlib", "glob", "tempfile", "io", "fileinput", "ftplib",
    "http", "urllib", "smtplib", "telnetlib", "xmlrpc", "ssl", "asyncio", "multiprocessing", "threading", "concurrent",
    "signal", "pickle", "marshal", "shelve", "dbm", "sqlite3", "zipfile",
    "tarfile", "gzip", "bz2", "lzma", "mmap", "webbrowser", "pdb", "trace", "timeit", "cProfile", "profile", "inspect",
    "gc", "atexit", "site", "venv", "ensurepip", "pip",
    "setuptools", "distutils", "imp", "zipimport", "pkgutil", "posix", "nt", "fcntl", "select", "selectors", "resource",
    "syslog", "getpass", "pwd", "grp", "linecache", "tokenize", "xml",
    "email", "mailbox", "curses", "readline", "rlcompleter", "sched", "queue", "contextvars", "weakref", "logging",
    "warnings", "unittest", "doctest", "test", "turtle", "tkinter", "dotenv",
    "requests", "httpx", "aiohttp", "boto3", "paramiko", "psycopg2", "sqlalchemy", "environ",
})  # fmt: skip
_TOPS: Final = frozenset(name.partition(".")[0] for name in _MODULES) | {
    "numbers", "weakref", "copyreg", "collections", "functools", "enum", "contextlib", "abc", "codecs", "stat", "errno",
    "token", "opcode", "dis",
}  # fmt: skip
"""Names that are modules wherever they are found."""
