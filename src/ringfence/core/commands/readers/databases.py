"""Clients of databases: SQL in their options, words and input, and meta commands that reach beyond it."""

from __future__ import annotations

import re
import shlex
from typing import Final

from ringfence.core.commands.draft import Draft, host_of, is_loopback
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_PSQL_SAFE: Final = re.compile(
    r"\\(d\w*[+S]*|l[+]?|dt|x|timing|conninfo|encoding|pset|a|t|f|H|echo|qecho|q|sf[+]?|sv[+]?|z|h|\?|set|unset|c|connect|errverbose|warn|watch|p|r)(\s|$)|\\gx?$"
)
_PROGRAM: Final = re.compile(
    r"\b(?:to|from)\s+program\b|\bcopy\b[^;]*\b(?:to|from)\s*e?'|\balter\s+system\b|\bcreate\s+extension\b"
    r"|\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure|language|trusted|trigger|event\s+trigger|rule|server|subscription)\b"
    r"|^\s*load\s+'|\b(?:pg_(?:read|stat|write|execute|file)_\w+|pg_ls_\w+|pg_reload_conf|pg_terminate_backend|pg_switch_wal"
    r"|lo_\w+|dblink\w*|query_to_xml\w*|cursor_to_xml\w*|set_config)\s*\(",
    re.IGNORECASE | re.MULTILINE,
)
"""What reaches beyond the database: programs and files of its machine, texts that are run as SQL, now or later."""
_SQLITE_SAFE: Final = re.compile(
    r"\.(schema|tables|indexes|indices|databases|headers?|mode|width|nullvalue|separator|print|show|timer|eqp|explain|fullschema|help|stats|echo|bail|changes|dbinfo|lint|limit|version|vfsinfo|exit|quit|prompt|parameter|progress|scanstats|sha3sum|timeout|dump|selftest|archive_none)\b(?!\s+edit)"
)
_SQLITE_WRITES: Final = re.compile(r"\.(output|once|backup|save|clone|trace|log)\b\s*(\S*)")
_SQLITE_READS: Final = re.compile(r"\.(read|import|restore|open)\b\s*(.*)")


def psql(draft: Draft) -> None:
    """`psql -c SQL`, `-f FILE`, or SQL on its input."""
    made = draft.cut
    draft.dialect = "postgres"
    _hosts(draft, made.values("-h", "--host"), made.words)
    texts = [*made.values("-c", "--command")]
    files = made.values("-f", "--file")
    if any(word.text not in _INPUTS for word in files):
        draft.doubt(Undecided.SCRIPT, "SQL in a file")
    for word in made.values("-o", "--output", "-L", "--log-file"):
        if word.text.lstrip().startswith("|"):
            draft.doubt(Undecided.CODE, "psql gives its output to a program")
    for word in made.values("-v", "--set", "--variable"):
        if "?" in word.text and not word.is_known:
            draft.doubt(Undecided.CODE, "a variable of psql that is known only when it runs")
    if made.has("-l", "--list"):
        return
    if (not texts and not files) or any(word.text in _INPUTS for word in files):
        texts += _input(draft)
    for word in texts:
        _psql_text(draft, word)


_INPUTS: Final = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def _input(draft: Draft) -> list[Word]:
    if draft.command.stdin is not None:
        return [Word(text=draft.command.stdin, raw="its input")]
    if draft.command.piped or any(one.direction.value in ("read", "both") for one in draft.command.redirections):
        draft.doubt(Undecided.SCRIPT, "SQL that is known only when it runs")
    return []


def _psql_text(draft: Draft, word: Word) -> None:
    if not word.is_known:
        draft.doubt(Undecided.CODE, "a part of the SQL is known only when it runs")
        return
    kept: list[str] = []
    for line in word.text.splitlines():
        if not line.lstrip().startswith("\\"):
            kept.append(line)
            continue
        text = line.strip()
        copied = re.fullmatch(r"\\copy\s+(.*)\s+to\s+'?([^'\s]+)'?(?:\s.*)?", text, re.IGNORECASE)
        if copied and copied[2].lower() not in ("program", "stdout", "pstdout"):
            draft.becomes("writes")
            draft.path(Use.WRITE, Word(text=copied[2], raw=text))
            query = copied[1].strip()
            kept.append((query[1:-1] if query.startswith("(") and query.endswith(")") else f"select * from {query}") + ";")
        elif not _PSQL_SAFE.match(text) or "`" in text or "|" in text or _reaches_further(text):
            draft.doubt(Undecided.CODE, f"a command of psql: {text[:60]}")
    sql = "\n".join(kept)
    if _PROGRAM.search(sql):
        draft.doubt(Undecided.CODE, "the database runs a program")
    if "\\" in re.sub(r"'(?:[^'\\]|\\.)*'", "''", sql):
        draft.doubt(Undecided.CODE, "a command of psql within the SQL")
    if sql.strip():
        draft.sql.append(sql)


def _reaches_further(command: str) -> bool:
    """Whether `\\c` leads to another host."""
    name, *given = command.split()
    return name in ("\\c", "\\connect") and (len(given) > 2 or any("=" in word or "://" in word for word in given))


def mysql(draft: Draft) -> None:
    """`mysql -e SQL`, or SQL on its input."""
    made = draft.cut
    draft.dialect = "mysql"
    _hosts(draft, made.values("-h", "--host"), [])
    texts = [*made.values("-e", "--execute")] or _input(draft)
    for word in texts:
        if not word.is_known:
            draft.doubt(Undecided.CODE, "a part of the SQL is known only when it runs")
        elif re.search(r"(^|;)\s*(system|source|pager|tee|edit|\\[!.PTe])", word.text, re.IGNORECASE) or "\\!" in word.text:
            draft.doubt(Undecided.CODE, "a command of mysql")
        else:
            draft.sql.append(re.sub(r"\\[Gg]\s*$", ";", word.text))


def sqlite(draft: Draft) -> None:
    """`sqlite3 FILE SQL`, or SQL and commands with a dot on its input."""
    made = draft.cut
    draft.dialect = "sqlite"
    words = made.words
    for word in words[:1]:
        if word.text.startswith("file:"):
            draft.doubt(Undecided.PATH, "a database by an address of its own")
        draft.path(Use.READ, word)
    texts = [*words[1:], *made.values("-cmd", "--cmd", "-c", "-s")] or _input(draft)
    if made.has("-init", "--init", "-A", "--archive", "-append", "-zip", "-deserialize"):
        draft.doubt(Undecided.SCRIPT, "commands in a file, or an archive")
    for word in texts:
        _sqlite_text(draft, word)
    if words and any(_CHANGES.search(text) for text in draft.sql):
        draft.path(Use.WRITE, words[0])


def _sqlite_text(draft: Draft, word: Word) -> None:
    if not word.is_known:
        draft.doubt(Undecided.CODE, "a part of the SQL is known only when it runs")
        return
    kept: list[str] = []
    for line in word.text.splitlines():
        text = line.strip()
        if not text.startswith("."):
            kept.append(line)
            continue
        writes, reads = _SQLITE_WRITES.match(text), _SQLITE_READS.match(text)
        if writes and not writes[2].startswith(("|", "'|", '"|')):
            draft.becomes("writes")
            if writes[2] not in ("", "stdout", "off"):
                draft.path(Use.WRITE, Word(text=_unquoted(writes[2]), raw=text))
        elif reads and "|" not in reads[2]:
            draft.doubt(Undecided.SCRIPT, f"{text[:60]}")
        elif not _SQLITE_SAFE.match(text):
            draft.doubt(Undecided.CODE, f"a command of sqlite: {text[:60]}")
    sql = "\n".join(kept)
    if _BEYOND.search(sql):
        draft.doubt(Undecided.CODE, "the SQL reaches files or programs beside the database")
    if sql.strip():
        draft.sql.append(sql)


_BEYOND: Final = re.compile(
    r"\b(?:load_extension|readfile|writefile|edit|fsdir|lsdir|zipfile|fts3_tokenizer|sqlite_load_extension"
    r"|read_\w+|sniff_csv|glob|getenv|query|query_table|parquet_\w+|sqlite_(?:scan|attach)|postgres_\w+|mysql_\w+)\s*\("
    r"|\battach\b|\bvacuum\b.*\binto\b|\busing\s+(?:csv|fsdir|zipfile|vsv)\b|\bwritable_schema\b"
    r"|\b(?:copy|export|import|install|load)\b|\b(?:from|join)\s+'",
    re.IGNORECASE | re.DOTALL,
)
_CHANGES: Final = re.compile(
    r"\b(?:create|insert|update|delete|drop|alter|vacuum|reindex|analyze)\b|\breplace\s+into\b|\bpragma\s+\w+\s*=",
    re.IGNORECASE,
)


def _unquoted(text: str) -> str:
    try:
        return (shlex.split(text) or [text])[0]
    except ValueError:
        return text


def _hosts(draft: Draft, hosts: list[Word], words: list[Word]) -> None:
    for word in hosts:
        if not word.text.startswith("/"):
            draft.host(host_of(word))
    for word in words:
        if "://" in word.text:
            draft.host(host_of(word))
        elif "host=" in word.text:
            draft.host(word.text.partition("host=")[2].split()[0] if word.is_known else "?")
    _stays(draft)


def _stays(draft: Draft) -> None:
    if not draft.hosts or is_loopback(draft.hosts):
        draft.settles("reads machine")


_REDIS_READS: Final = frozenset({
    "ping", "get", "mget", "hget", "hgetall", "hkeys", "hvals", "hlen", "exists", "type", "ttl", "pttl", "keys", "scan",
    "dbsize", "info", "llen", "lrange",
    "lindex", "scard", "smembers", "sismember", "zcard", "zrange", "zscore", "zrangebyscore", "strlen", "echo", "time",
    "memory", "slowlog", "lastsave", "xlen",
    "xrange", "xinfo", "object", "getrange", "bitcount", "hexists", "hmget", "hscan", "sscan", "zscan", "randomkey", "command",
})  # fmt: skip
_REDIS_LOSES: Final = frozenset(
    {
        "flushall",
        "flushdb",
        "shutdown",
        "debug",
        "eval",
        "evalsha",
        "script",
        "config",
        "replicaof",
        "slaveof",
        "module",
        "acl",
        "migrate",
        "restore",
        "swapdb",
        "cluster",
        "function",
        "fcall",
    }
)


def redis(draft: Draft) -> None:
    """`redis-cli COMMAND`."""
    made = draft.cut
    _hosts(draft, made.values("-h", "-u"), [])
    if made.has("--eval", "-x", "--pipe", "--rdb", "--functions-rdb"):
        draft.doubt(Undecided.SCRIPT, "commands of redis in a file, or on its input")
    words = made.words
    if not words:
        if draft.command.piped or draft.command.stdin is not None:
            draft.doubt(Undecided.SCRIPT, "commands of redis on its input")
        return
    verb = words[0].text.lower() if words[0].is_known else "?"
    if verb not in _REDIS_READS:
        draft.becomes("destroys" if verb in _REDIS_LOSES or verb == "?" else "changes")


def mongo(draft: Draft) -> None:
    """`mongosh --eval CODE`."""
    draft.doubt(Undecided.CODE, "a program for the database's own shell")
    _hosts(draft, draft.cut.values("--host"), draft.cut.words)


def dumps(draft: Draft) -> None:
    """`pg_dump`, `mysqldump`: everything in a database."""
    made = draft.cut
    for word in made.values("-h", "--host"):
        draft.host(host_of(word))
    for word in made.values("-f", "--file", "-r", "--result-file"):
        draft.becomes("writes")
        draft.path(Use.WRITE, word)
