"""Containers, clusters, build tools and the forge: words that decide how far they reach."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from ringfence.core.commands.draft import Draft, host_of
from ringfence.core.commands.paths import absolute, is_below, tidy
from ringfence.core.model.local import Undecided, Use
from ringfence.core.shell.command import Word

_HERE: Final = Word(text=".", raw=".")


def openssl(draft: Draft) -> None:
    """`openssl COMMAND`: some only tell, or work a digest out."""
    verb = draft.cut.words[0].text if draft.cut.words else ""
    if verb in ("version", "rand", "ciphers", "list", "help", "errstr", "prime", "speed") and not draft.cut.has("-out"):
        draft.settles("says")
    elif verb in (
        "dgst",
        "x509",
        "verify",
        "asn1parse",
        "base64",
        "enc",
        "sha256",
        "md5",
        "sha1",
        "sha512",
        "crl",
        "req",
    ) and not draft.cut.has("-out", "-new", "-keyout", "-newkey"):
        draft.settles("reads")
        for word in draft.cut.words[1:]:
            draft.path(Use.READ, word)
    elif verb in ("s_client", "s_server", "ocsp", "s_time"):
        draft.becomes("sends")
    elif verb in ("rsa", "pkey", "ec", "pkcs12", "pkcs8", "genrsa", "genpkey"):
        draft.becomes("rules")


def docker_run(draft: Draft) -> None:
    """`docker run -v HERE:THERE IMAGE`: what is mounted is open to the container, to write unless it says `ro`."""
    made = draft.cut
    for word in made.values("-v", "--volume"):
        here, _, there = word.text.partition(":")
        if here.startswith(("/", ".", "~")):
            draft.path(Use.READ, Word(text=here, raw=word.raw, is_known=word.is_known), below=True)
            if not there.endswith((":ro", ",ro")):
                draft.path(Use.WRITE, Word(text=here, raw=word.raw, is_known=word.is_known), below=True)
            if tidy("/" + here) == "/" or here.startswith(
                ("/etc", "/var/run/docker", "/root", "/home", "/proc", "/sys", "/dev")
            ):
                draft.becomes("breaks")
    for word in made.values("--mount"):
        parts: dict[str, str] = {}
        for part in word.text.split(","):
            name, _, value = part.partition("=")
            parts[name] = value
        source = parts.get("source") or parts.get("src")
        if source and parts.get("type", "volume") == "bind":
            draft.path(Use.READ, Word(text=source, raw=word.raw, is_known=word.is_known), below=True)
            if "ro" not in parts and "readonly" not in parts:
                draft.path(Use.WRITE, Word(text=source, raw=word.raw, is_known=word.is_known), below=True)
    if made.has("--privileged", "--pid", "--cap-add", "--device", "--security-opt", "--userns", "--ipc", "--cgroupns"):
        draft.becomes("breaks")
    if made.has("--network", "--net") and any(word.text == "host" for word in made.values("--network", "--net")):
        draft.becomes("machine")


_NAMES_ONLY: Final = (
    "-q", "--quiet", "--services", "--images", "--volumes", "--profiles", "--networks", "--hash", "--models",
    "--no-interpolate",
)  # fmt: skip


def compose_config(draft: Draft) -> None:
    """`docker compose config`: what it shows has the values of `.env` in it, which it reads without being told."""
    made = draft.cut
    if made.has("--environment"):
        draft.reads_environment()
    if made.has("--environment") or not made.has(*_NAMES_ONLY):
        draft.path(Use.READ, Word(text=".env", raw="what compose puts in"))


def make(draft: Draft) -> None:
    """`make -p` prints every variable."""
    if draft.cut.has("-p", "--print-data-base"):
        draft.reads_environment()


def docker_copy(draft: Draft) -> None:
    """`docker cp`: between a container and here."""
    words = draft.cut.words
    for index, word in enumerate(words[:2]):
        if ":" not in word.text:
            draft.path(Use.WRITE if index else Use.READ, word, below=True)


_SECRETS: Final = re.compile(r"(?i)(^|[/,])secrets?([.,/?]|$)")


def kubectl(draft: Draft) -> None:
    """`kubectl get secret`: what is secret in the cluster."""
    words = draft.cut.words
    raw = [unquote(word.text) for word in draft.cut.values("--raw")]
    if any(_SECRETS.search(text) for text in (*(word.text for word in words), *raw)):
        draft.becomes("reads secrets")
        # However it is written, for rules on `kubectl get secret`.
        draft.also.append(f"{draft.command.words[0].text} get secret")
    for word in draft.cut.values("-o", "--output", "--template"):
        form, equals, path = word.text.partition("=")
        if equals and form.endswith("-file"):
            draft.path(Use.READ, Word(text=path, raw=word.raw, is_known=word.is_known))


def go_run(draft: Draft) -> None:
    """`go run PACKAGE`: of the project, or fetched from outside at a version."""
    for word in draft.cut.words[:1]:
        if "@" in word.text or (not word.text.startswith((".", "/")) and not word.text.endswith(".go")):
            draft.becomes("installs")
        if not word.is_known:
            draft.doubt(Undecided.CODE, "which program it runs is known only when it runs")
    if draft.cut.has("-exec", "-toolexec"):
        draft.doubt(Undecided.CODE, "go runs a program of its words")


def go_builds(draft: Draft) -> None:
    """`go build`, `go test`: flags for the tools that it runs."""
    for word in draft.cut.values("-ldflags", "-gccgoflags", "-gcflags", "-asmflags"):
        if "-ext" in word.text or "-toolexec" in word.text or not word.is_known:
            draft.doubt(Undecided.CODE, "go has a program of its words run")


def npm_install(draft: Draft) -> None:
    """`npm install`: the manifest is the project's to change."""
    if draft.cut.has("-g", "--global", "--location"):
        draft.becomes("machine")


_NPX_LOCAL: Final = frozenset({
    "tsc", "eslint", "vitest", "jest", "prettier", "vite", "webpack", "rollup", "esbuild", "tsx", "ts-node", "mocha",
    "playwright", "cypress", "next", "nuxt", "astro",
    "svelte-check", "stylelint", "biome", "turbo", "nx", "lerna", "lint-staged", "husky", "nyc", "c8", "ava", "tap",
    "tailwindcss", "postcss", "babel", "swc", "parcel",
    "vue-tsc", "depcheck", "knip", "madge", "size-limit", "typedoc", "storybook", "prisma", "drizzle-kit",
    "graphql-codegen", "concurrently", "rimraf", "changeset", "markdownlint",
})  # fmt: skip


def npx(draft: Draft) -> None:
    """`npx TOOL`: one of the project, or fetched from outside."""
    made = draft.cut
    if made.has("-c", "--call"):
        draft.doubt(Undecided.CODE, "it runs text as a command")
    name = made.words[0].text if made.words else ""
    if made.has("-y", "--yes", "-p", "--package") or "@" in name[1:] or name not in _NPX_LOCAL:
        draft.becomes("installs")
    else:
        draft.settles("project")
    if made.words and not made.words[0].is_known:
        draft.doubt(Undecided.CODE, "which program it runs is known only when it runs")


_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


_ENVIRONMENT: Final = re.compile(r"\benv\b|\$ENV")


def forge_shows(draft: Draft) -> None:
    """A program of `--jq` sees the variables of its process, the forge's token among them."""
    if any(_ENVIRONMENT.search(word.text) or not word.is_known for word in draft.cut.values("-q", "--jq")):
        draft.reads_environment()


def api(draft: Draft) -> None:
    """`gh api`: a GET reads, anything else changes something that others see."""
    made = draft.cut
    forge_shows(draft)
    methods = [word.text.upper() for word in made.values("-X", "--method")]
    fields = made.has("-f", "-F", "--field", "--raw-field", "--input")
    if any(method not in _SAFE_METHODS for method in methods) or (fields and not methods):
        draft.becomes("sends")
    if any(method == "DELETE" for method in methods):
        draft.becomes("destroys")
    for word in made.values("-F", "--field"):
        _, at, path = word.text.partition("=@")
        if at:
            draft.path(Use.READ, Word(text=path, raw=word.raw, is_known=word.is_known))


def java(draft: Draft) -> None:
    """`java -jar FILE`, `-cp PATH CLASS`: it runs a program."""
    made = draft.cut
    if made.has("-version", "--version", "-help", "--help", "-h"):
        draft.settles("says")
        return
    if any(
        given.name.startswith(("-agent", "-javaagent", "-Xrun", "-XX:OnError", "-XX:OnOutOfMemoryError"))
        for given in made.given
    ):
        draft.doubt(Undecided.CODE, "an option of java runs more than the program")
    for word in made.values("-jar"):
        draft.path(Use.EXECUTE, word)


_PUBLISHES: Final = ("publish", "deploy", "upload", "release")


def gradle(draft: Draft) -> None:
    """`gradle TASK...`: tasks that publish send to others."""
    made = draft.cut
    names = [word.text.rpartition(":")[2] for word in made.words]
    publishes = [name for name in names if name.lower().startswith(_PUBLISHES) and "local" not in name.lower()]
    # A task may be shortened: `pub`, `pATR` for `publishAllToRepository`.
    publishes += [name for name in names if re.fullmatch(r"pub(l(i(sh?)?)?)?|pu?b?[A-Z]\w*", name)]
    if publishes:
        draft.becomes("sends")
        draft.also += [f"{draft.command.words[0].text} publish {name}" for name in publishes]
    for word in made.values("-g", "--gradle-user-home", "--project-cache-dir"):
        draft.path(Use.WRITE, word, below=True)
    if draft.cut.has("-I", "--init-script"):
        draft.doubt(Undecided.CODE, "a script of gradle besides the project's")


_SENDS: Final = frozenset({
    "deploy", "release", "perform", "prepare", "deploy-file", "stage", "site-deploy", "upload", "upload-single", "checkin",
    "stage-deploy",
})  # fmt: skip
_RUNS: Final = (
    "argLine", "jvm", "maven.surefire.debug", "maven.failsafe.debug", "maven.compiler.executable", "maven.ext.class.path",
    "exec.", "jdkToolchain", "toolchain", "maven.multiModuleProjectDirectory", "java.home",
)  # fmt: skip


def maven(draft: Draft) -> None:
    """`mvn GOAL...`."""
    words = [word.text.lower() for word in draft.cut.words]
    names = [word.rpartition(":")[2] for word in words]
    if any(name in _SENDS for name in names):
        draft.becomes("sends")
    tells = any(word.startswith("help:") or ":maven-help-plugin:" in word for word in words)
    if tells and any(name in ("system", "effective-settings") for name in names):
        draft.reads_environment()
    for given in draft.cut.given:
        value = given.value.text if given.value is not None else ""
        if tells and given.name == "-Dexpression" and value.startswith(("env", "settings")):
            draft.reads_environment()
        if given.name.startswith("-D") and given.name[2:].startswith(_RUNS):
            draft.doubt(Undecided.CODE, f"a setting of maven says what is run: {given.name[:60]}")
        elif given.name.lower().startswith("-doutput") and given.value is not None:
            draft.path(Use.WRITE, given.value, below=True)
    if any(
        "exec:" in word.text.lower() or "antrun" in word.text.lower() or "groovy:" in word.text.lower()
        for word in draft.cut.words
    ):
        draft.doubt(Undecided.CODE, "a goal of maven runs what it is given")


def outside(draft: Draft) -> None:
    """Linters and formatters: what they name in the project is the project's, and all that lies outside may be changed."""
    for word in draft.command.words[1:]:
        path = absolute(word.text, draft.cwd) if draft.cwd is not None and word.is_known else ""
        if path and "/" in word.text and not word.text.startswith("-") and not _is_here(path, draft):
            draft.path(Use.WRITE, word, below=True)


def _is_here(path: str, draft: Draft) -> bool:
    return any(is_below(path, root) or path == root for root in draft.place.roots)


_MENDS: Final = ("-f", "--fix", "-w", "--write-changes", "--in-place", "-m", "-modify")


def fixes(draft: Draft) -> None:
    """Checkers of texts: with `--fix` and the like they change the files that they name, or all below."""
    made = draft.cut
    if made.has(*_MENDS) or (draft.command.words[0].text.endswith("jsonlint") and made.has("-i")):
        draft.becomes("writes")
        for word in made.words or [_HERE]:
            draft.path(Use.WRITE, word, below=True)
    elif any(use.use is Use.WRITE for use in draft.uses):
        draft.becomes("writes")


def schemas(draft: Draft) -> None:
    """`check-jsonschema --schemafile URL`: a schema that lies elsewhere is fetched."""
    urls = [word for word in draft.cut.values("--schemafile", "--base-uri") if "://" in word.text]
    if urls:
        draft.becomes("fetches")
        for word in urls:
            draft.host(host_of(word))


def formats(draft: Draft) -> None:
    """`gofmt -w`, `terraform fmt`: the files that they name, or all below."""
    made = draft.cut
    is_terraform = any(word.text == "fmt" for word in draft.command.words[1:3])
    changes = not made.has("-check", "--check") if is_terraform else made.has("-w", "-i", "--in-place", "-write", "--write")
    if any(
        given.name in ("-write", "--write") and given.value is not None and given.value.text == "false" for given in made.given
    ):
        changes = False
    if not made.words and is_terraform:
        draft.path(Use.READ, _HERE, below=True)
    if not changes:
        return
    draft.becomes("writes")
    for word in made.words or [_HERE]:
        draft.path(Use.WRITE, word, below=True)
