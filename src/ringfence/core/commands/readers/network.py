"""`curl`, `wget`, `ssh`, `scp`, `rsync`: whom they reach, and what they bring and send."""

from __future__ import annotations

from typing import Final

from ringfence.core.commands.draft import Draft, host_of, is_loopback
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_SENDS: Final = (
    "-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "-F", "--form",
    "--form-string", "-T", "--upload-file",
    "-Q", "--quote", "--mail-from", "--mail-rcpt",
)  # fmt: skip
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def _reaches(draft: Draft, urls: list[Word]) -> None:
    for word in urls:
        text = word.text.lower()
        if text.startswith("file:"):
            draft.path(Use.READ, Word(text="/" + word.text.partition(":")[2].lstrip("/"), raw=word.raw, is_known=word.is_known))
        else:
            draft.host(host_of(word))
    if draft.command.takes_more or any(word.is_pattern and not word.is_known for word in urls):
        draft.host("?")


def curl(draft: Draft) -> None:
    """`curl URL...`."""
    made = draft.cut
    urls = [*made.words, *made.values("--url")]
    _reaches(draft, urls)
    if not made.has("-g", "--globoff") and any(
        sign in word.text for word in [*urls, *made.values("-T", "--upload-file")] for sign in "[{"
    ):
        _globs(draft, urls)
    _by_way_of(draft)
    _formats(draft)
    sends = made.has(*_SENDS) and not made.has("-G", "--get")
    sends = sends or any(word.text.upper() not in _SAFE_METHODS for word in made.values("-X", "--request"))
    for word in made.values("-F", "--form"):
        _, _, value = word.text.partition("=")
        if value[:1] in ("@", "<"):
            draft.path(Use.READ, Word(text=value[1:].partition(";")[0].strip('"'), raw=word.raw, is_known=word.is_known))
    for word in made.values("--data-urlencode"):
        _, at, path = word.text.partition("@")
        if at and not word.text.startswith("@"):
            draft.path(Use.READ, Word(text=path, raw=word.raw, is_known=word.is_known))
    for word in made.values("-b", "--cookie"):
        if "=" not in word.text:
            draft.path(Use.READ, word)
    if made.has("-O", "--remote-name", "--remote-name-all", "-J", "--remote-header-name"):
        _saved(draft, urls)
    if made.has("-n", "--netrc", "--netrc-optional"):
        draft.path(Use.READ, Word(text=(draft.place.home or "/root") + "/.netrc", raw="-n"))
    _settled(draft, sends=sends)
    if any(use.use is Use.WRITE for use in draft.uses):
        draft.becomes("writes")


_WAYS: Final = (
    "-x", "--proxy", "--preproxy", "--socks4", "--socks4a", "--socks5", "--socks5-hostname", "--proxy1.0", "--connect-to",
    "--resolve", "--doh-url", "--dns-servers", "--unix-socket", "--abstract-unix-socket", "--ipfs-gateway",
)  # fmt: skip


def _by_way_of(draft: Draft) -> None:
    """Options that have another machine, or a socket, answer than the address says."""
    for word in draft.cut.values(*_WAYS):
        if word.text:
            draft.host("?")


def _globs(draft: Draft, urls: list[Word]) -> None:
    """curl has `{a,b}` and `[1-9]` stand for several addresses, or files."""
    in_path = all("://" in word.text and not set("[{") & set(word.text.partition("://")[2].partition("/")[0]) for word in urls)
    if not in_path or draft.cut.has("-T", "--upload-file") or any(word.text.lower().startswith("file:") for word in urls):
        draft.host("?")
        draft.doubt(Undecided.PATH, "curl has brackets stand for several addresses or files")


def _formats(draft: Draft) -> None:
    """`-w`: a form in a file, or one that opens a file; `--variable`, `--url-query`."""
    made = draft.cut
    for word in made.values("-w", "--write-out"):
        if word.text.startswith("@"):
            draft.path(Use.READ, Word(text=word.text[1:], raw=word.raw, is_known=word.is_known))
        if "%output{" in word.text or (not word.is_known and "?" in word.text):
            draft.doubt(Undecided.PATH, "what curl writes out goes to a file")
    for word in made.values("--url-query"):
        _, at, path = word.text.partition("@")
        if at:
            draft.path(Use.READ, Word(text=path, raw=word.raw, is_known=word.is_known))
    if any(word.text.startswith("%") for word in made.values("--variable")):
        draft.reads_environment()
    if any(given.name.startswith("--expand-") for given in made.given):
        draft.doubt(Undecided.CODE, "curl works an option out of variables")


def _settled(draft: Draft, *, sends: bool) -> None:
    here = is_loopback(draft.hosts) or not draft.hosts
    if here and not draft.cut.has(
        "-x", "--proxy", "--preproxy", "--socks5", "--socks5-hostname", "--connect-to", "--resolve", "-L", "--location"
    ):
        draft.settles("serves" if sends else "reads machine")
    else:
        draft.settles("sends" if sends else "fetches")


def _saved(draft: Draft, urls: list[Word]) -> None:
    for word in urls:
        name = word.text.partition("?")[0].rstrip("/").rpartition("/")[2]
        draft.path(Use.WRITE, Word(text=name or "index.html", raw=word.raw, is_known=word.is_known))


def wget(draft: Draft) -> None:
    """`wget URL...`: it writes what it fetches, unless it is told to print it."""
    made = draft.cut
    _reaches(draft, made.words)
    sends = made.has("--post-data", "--post-file", "--body-data", "--body-file") or any(
        word.text.upper() not in _SAFE_METHODS for word in made.values("--method")
    )
    if not made.has("-O", "--output-document", "--spider", "--delete-after"):
        folders = made.values("-P", "--directory-prefix")
        if folders:
            draft.path(Use.WRITE, folders[-1], below=True)
        else:
            _saved(draft, made.words)
    if made.has("-i", "--input-file"):
        draft.host("?")
    if made.has("-r", "--recursive", "-m", "--mirror", "-p", "--page-requisites"):
        draft.host("?")
        draft.path(Use.WRITE, Word(text=".", raw="."), below=True)
    _settled(draft, sends=sends)
    if not any(word.text == "-" for word in made.values("-O", "--output-document")):
        draft.becomes("writes")


def ssh(draft: Draft) -> None:
    """`ssh HOST [COMMAND]`: whatever the far end lets it do."""
    if draft.cut.words:
        draft.host(host_of(draft.cut.words[0]))
    for word in draft.cut.values("-o"):
        name = word.text.lower()
        if name.startswith(("proxycommand", "localcommand", "permitlocalcommand", "knownhostscommand")):
            draft.doubt(Undecided.CODE, f"ssh runs {word.raw[:80]}")


def copies_away(draft: Draft) -> None:
    """`scp` and `rsync`: which end is another machine."""
    made = draft.cut
    words = list(made.words)
    if draft.command.words[0].text.rpartition("/")[2] in ("sftp", "ftp", "lftp", "tftp"):
        draft.becomes("sends")
        draft.host("?")
    for word in made.values("-e", "--rsh", "--rsync-path", "-S", "-o"):
        if not word.text.lower().startswith(
            ("ssh", "stricthostkeychecking", "port", "user", "identityfile", "connecttimeout", "batchmode")
        ):
            draft.doubt(Undecided.CODE, f"it runs {word.raw[:80]}")
    for word in made.values("-f", "--filter"):
        rule, _, path = word.text.partition(" ")
        if path and (rule.startswith(("merge", "dir-merge", ".", ":"))):
            draft.path(Use.READ, Word(text=path.strip(), raw=word.raw, is_known=word.is_known))
    draft.uses[:] = [use for use in draft.uses if use.use is not Use.READ or not use.below]
    hosts = list(draft.hosts)
    is_away = bool(hosts) and not is_loopback(hosts)
    if not words:
        return
    target = words[-1] if len(words) > 1 else None
    target_hosts = len(draft.hosts)
    for word in words[:-1] if target is not None else words:
        if not _is_remote(word):
            draft.path(Use.READ, word, below=True)
    to_remote = target is not None and _is_remote(target)
    if target is not None and not to_remote:
        draft.path(Use.WRITE, target, below=True)
    dry = made.has("-n", "--dry-run", "--list-only")
    if dry:
        draft.settles("fetches" if target_hosts else "reads")
        return
    draft.settles("sends" if is_away and to_remote else "fetches" if is_away else "project")
    if not to_remote:
        draft.becomes("project" if made.has("-r", "-a", "-R", "--recursive", "--archive") else "writes")
    if any(given.name.startswith("--del") for given in made.given) or made.has("--remove-source-files"):
        draft.becomes("destroys" if to_remote else "loses all")
        ends = words if made.has("--remove-source-files") else words[-1:]
        for word in ends:
            if not _is_remote(word):
                draft.path(Use.DELETE, word, below=True)


def _is_remote(word: Word) -> bool:
    head, colon, _ = word.text.partition(":")
    return bool(colon) and "/" not in head


def listens(draft: Draft) -> None:
    """`nc`, `socat`, `telnet`: bytes to a host."""
    words = draft.cut.words
    if words:
        draft.host(host_of(words[0]))
    if is_loopback(draft.hosts):
        draft.settles("serves")
