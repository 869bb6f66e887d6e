"""`grep`, `rg`, `find`: what they look into, and what `find` does with it."""

from __future__ import annotations

from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_HERE: Final = Word(text=".", raw=".")
_FIND_FILES: Final = {"-fprint": 1, "-fprint0": 1, "-fls": 1, "-fprintf": 2}
_RUNS: Final = ("-exec", "-execdir", "-ok", "-okdir")
_TYPES: Final = {
    "py": ("*.py", "*.pyi"), "python": ("*.py", "*.pyi"), "rust": ("*.rs",), "go": ("*.go",),
    "js": ("*.js", "*.jsx", "*.mjs", "*.cjs", "*.vue"),
    "ts": ("*.ts", "*.tsx", "*.mts", "*.cts"), "java": ("*.java", "*.jsp", "*.properties"), "kotlin": ("*.kt", "*.kts"),
    "md": ("*.md", "*.markdown", "*.mdx"),
    "markdown": ("*.md", "*.markdown", "*.mdx"), "c": ("*.c", "*.h"), "cpp": ("*.cpp", "*.cc", "*.h", "*.hpp", "*.cxx"),
    "css": ("*.css", "*.scss"),
    "html": ("*.htm", "*.html"), "json": ("*.json",), "yaml": ("*.yaml", "*.yml"), "toml": ("*.toml",),
    "sh": ("*.sh", "*.bash", "*.zsh"), "ruby": ("*.rb",),
    "php": ("*.php",), "sql": ("*.sql",), "swift": ("*.swift",), "cs": ("*.cs",), "csharp": ("*.cs",), "tf": ("*.tf",),
    "scala": ("*.scala",), "txt": ("*.txt",),
}  # fmt: skip
"""Names that a file type of ripgrep stands for, at most."""


def grep(draft: Draft) -> None:
    """With `-r` it reads all below, `--include` and `--exclude-dir` apart."""
    made = draft.cut
    has_pattern = made.has("-e", "--regexp", "-f", "--file")
    files = made.words if has_pattern else made.words[1:]
    is_deep = made.has("-r", "-R", "--recursive", "--dereference-recursive") or draft.command.words[0].text.endswith("rgrep")
    is_deep = is_deep or any(word.text == "recurse" for word in made.values("-d", "--directories"))
    if not is_deep:
        return
    draft.uses[:] = [use for use in draft.uses if use.use is not Use.READ or use.below]
    only = [word.text for word in made.values("--include") if word.is_known]
    skips = [word.text for word in made.values("--exclude", "--exclude-dir") if word.is_known]
    for word in files or [_HERE]:
        draft.path(Use.READ, word, below=True, only=only, skips=skips)


def rg(draft: Draft) -> None:
    """It reads all below but what is hidden. What git ignores it passes over too, but who says what that is was not asked."""
    made = draft.cut
    draft.uses[:] = [use for use in draft.uses if not use.below]
    files = made.words if made.has("-e", "--regexp", "-f", "--file", "--files", "--type-list") else made.words[1:]
    if not files and (draft.command.piped or draft.command.stdin is not None):
        return
    sees_hidden = made.has("--hidden", "-.", "-u", "--unrestricted", "-uu", "-uuu", "--no-ignore-dot") and not made.has(
        "--no-hidden"
    )
    globs = [word.text for word in made.values("-g", "--glob", "--iglob") if word.is_known]
    types = [_TYPES.get(word.text) for word in made.values("-t", "--type")]
    only = [glob for glob in globs if not glob.startswith("!")]
    if types and all(types):
        only += [name for names in types if names for name in names]
    skips = [glob[1:] for glob in globs if glob.startswith("!")] + ([] if sees_hidden or only else [".*"])
    what = Use.LIST if made.has("--files") else Use.READ
    for word in files or [_HERE]:
        draft.path(
            what,
            word,
            below=True,
            only=[name for name in only if "/" not in name] if all("/" not in name for name in only) else (),
            skips=skips,
        )


def find(draft: Draft) -> None:
    """It lists names, unless its expression says otherwise. What `-exec` runs is a command of its own."""
    words = draft.cut.words
    count = 0
    while count < len(words) and words[count].text in ("-H", "-L", "-P"):
        count += 1
    first = count
    while count < len(words) and not words[count].text.startswith(("-", "(", ")", "!")):
        count += 1
    starts = words[first:count] or [_HERE]
    for word in starts:
        draft.path(Use.LIST, word, below=True)
    rest = words[count:]
    index = 0
    while index < len(rest):
        text = rest[index].text
        if text == "-delete":
            draft.becomes("deletes")
            for word in starts:
                draft.path(Use.DELETE, word, below=True)
        elif text in _FIND_FILES and index + 1 < len(rest):
            draft.becomes("writes")
            draft.path(Use.WRITE, rest[index + 1])
            index += _FIND_FILES[text]
        elif text in _RUNS:
            while index < len(rest) and rest[index].text not in (";", "+"):
                index += 1
        elif text in ("-newer", "-anewer", "-cnewer", "-samefile") and index + 1 < len(rest):
            draft.path(Use.LIST, rest[index + 1])
            index += 1
        elif text == "-files0-from" and index + 1 < len(rest):
            draft.path(Use.READ, rest[index + 1])
            index += 1
        elif not rest[index].is_known and text.startswith("?"):
            draft.doubt(Undecided.WORD, "a part of find's expression is known only when it runs")
        elif text in (
            "-name",
            "-iname",
            "-path",
            "-ipath",
            "-wholename",
            "-regex",
            "-iregex",
            "-lname",
            "-type",
            "-size",
            "-mtime",
            "-mmin",
            "-printf",
        ):
            index += 1
        index += 1
    if draft.command.takes_more:
        draft.doubt(Undecided.WORD, "a part of find's expression is known only when it runs")
