"""Programs that run what stands in a file: which files they run without being told, and which options name others. A table.

What is listed is what says *which commands are run*: a script, a file of tasks, a runner's own configuration. Sources and tests
are not: whoever may edit them and run the tests runs what was edited, and that is the work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NONE: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Task:
    """One such program."""

    files: tuple[str, ...] = ()
    """Run without being told, in the folder where it works."""
    named: frozenset[str] = _NONE
    """Options whose value is such a file."""
    folders: frozenset[str] = _NONE
    """Options whose value is the folder where it works."""
    modules: frozenset[str] = _NONE
    """Options whose value is a module of Python that is loaded."""
    texts: re.Pattern[str] | None = None
    """Words with which anything may be run, or fetched from anywhere."""
    spares: frozenset[str] = _NONE
    """Options with which the files are not run."""
    scripts: bool = False
    """Scripts among its words are run too."""
    climbs: bool = False
    """What is not in its folder it looks for in the folders above."""


def _task(
    files: str = "",
    named: str = "",
    folders: str = "",
    *,
    modules: str = "",
    texts: str = "",
    spares: str = "",
    scripts: bool = False,
    climbs: bool = False,
) -> Task:
    pattern = re.compile(texts, re.DOTALL) if texts else None
    return Task(
        tuple(files.split()),
        frozenset(named.split()),
        frozenset(folders.split()),
        frozenset(modules.split()),
        pattern,
        frozenset(spares.split()),
        scripts,
        climbs,
    )


_PACKAGE: Final = _task(
    "package.json .npmrc .pnpmfile.cjs .yarnrc.yml .yarnrc bunfig.toml",
    "--userconfig --globalconfig",
    "-C --prefix --dir --cwd",
    texts=r"--(config\.)?(script-shell|shell|node-options|init-module|git|editor|viewer|registry)(=.*)?",
    climbs=True,
)
_MAKE: Final = _task(
    "Makefile makefile GNUmakefile",
    "-f --file --makefile",
    "-C --directory -I --include-dir",
    # A variable that is more than a word, or that is the name of a program by its folder, is run by a rule.
    texts=r"[A-Za-z_]\w*[:?+!]*=(.*[\s;&|`$<>()].*|\.{0,2}/.*/?(bin/)?[^/]*\.(sh|py|pl|js)|\./.*)",
    scripts=True,
)
_JEST: Final = _task(
    "jest.config.js jest.config.ts jest.config.mjs jest.config.cjs babel.config.js",
    "-c --config --globalSetup --setupFiles --runner --transform --reporters --testRunner --resolver --environment",
    "--rootDir",
)
_VITE: Final = _task(
    "vite.config.js vite.config.ts vite.config.mjs vite.config.mts vitest.config.js vitest.config.ts vitest.config.mts "
    "vitest.workspace.ts",
    "-c --config --globalSetup --reporter --environment",
    "-r --root --dir",
)
_ESLINT: Final = _task(
    "eslint.config.js eslint.config.mjs eslint.config.cjs eslint.config.ts .eslintrc.js .eslintrc.cjs",
    "-c --config -f --format --parser --rulesdir --resolve-plugins-relative-to",
)
_PYTEST: Final = _task(
    "conftest.py tests/conftest.py test/conftest.py pytest.ini tox.ini",
    "-c --config-file",
    "--rootdir --confcutdir",
    modules="-p",
    texts=r"(-o|--override-ini)?=?addopts=.*|--pdbcls(=.*)?",
)
_GRADLE: Final = _task(
    "build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties "
    "gradle/wrapper/gradle-wrapper.properties gradle/wrapper/gradle-wrapper.jar gradlew",
    "-b --build-file -c --settings-file -I --init-script",
    "-p --project-dir",
    texts=r"-Dorg\.gradle\.(jvmargs|java\.home)=.*",
)
_MAVEN: Final = _task(
    "pom.xml .mvn/maven.config .mvn/jvm.config .mvn/extensions.xml mvnw",
    "-f --file -s --settings -gs -t",
    # A plugin by its whole name is fetched, and does what it likes.
    texts=r"[\w.-]+:[\w.-]+:.+",
)
_COMPOSE: Final = _task(
    "compose.yaml compose.yml docker-compose.yaml docker-compose.yml docker-compose.override.yml "
    "docker-compose.override.yaml compose.override.yaml compose.override.yml",
    "-f --file",
    "--project-directory",
    climbs=True,
)
_INDEX: Final = r"--(index|default-index|index-url|extra-index-url|find-links|config-file|config-setting)(=.*)?|https?://.*"

TASKS: Final[dict[str, Task]] = {
    **dict.fromkeys(("make", "gmake"), _MAKE),
    "just": _task(
        "justfile Justfile .justfile",
        "-f --justfile",
        "-d --working-directory",
        texts=r"--(shell|shell-arg)(=.*)?|[^-].*[;&|`$<>].*",
        scripts=True,
        climbs=True,
    ),
    **dict.fromkeys(("npm", "pnpm", "yarn", "bun"), _PACKAGE),
    "rake": _task("Rakefile rakefile Rakefile.rb", "-f --rakefile"),
    **dict.fromkeys(("invoke", "inv"), _task("tasks.py invoke.yaml", "-f --config", "-r --search-root")),
    "nox": _task("noxfile.py", "-f --noxfile"),
    "task": _task("Taskfile.yml Taskfile.yaml", "-t --taskfile", "-d --dir"),
    "tox": _task("tox.ini tox.toml setup.cfg pyproject.toml", "-c --conf", "--root", texts=r".*commands\w*=.*|exec"),
    "hatch": _task("pyproject.toml hatch.toml"),
    "go": _task(texts=r"-ldflags.*-ext(ld|ldflags)\b.*|-gccgoflags.*|-toolexec.*|-compiler=?gccgo"),
    **dict.fromkeys(("coverage", "ipython", "streamlit", "fastapi", "kernprof", "marimo"), _task(named="-f", scripts=True)),
    "locust": _task(named="-f --locustfile"),
    "poe": _task("pyproject.toml poe_tasks.toml", "", "-C -r --root"),
    "pdm": _task("pyproject.toml pdm.toml"),
    "pytest": _PYTEST,
    "py.test": _PYTEST,
    "mypy": _task("", "--config-file --python-executable"),
    "alembic": _task("alembic.ini alembic/env.py migrations/env.py alembic/script.py.mako", "-c --config"),
    "cargo": _task(
        "build.rs .cargo/config.toml .cargo/config rust-toolchain.toml rust-toolchain",
        "--manifest-path",
        "-C",
        climbs=True,
        texts=r"--config=?.*(wrapper|runner|linker|rustc|rustdoc|credential|registr|source|alias|env|include|/).*",
    ),
    **dict.fromkeys(("gradle", "gradlew"), _GRADLE),
    **dict.fromkeys(("mvn", "mvnw"), _MAVEN),
    "docker-compose": _COMPOSE,
    "jest": _JEST,
    **dict.fromkeys(("vitest", "vite"), _VITE),
    "eslint": _ESLINT,
    "webpack": _task("webpack.config.js webpack.config.ts webpack.config.cjs", "-c --config"),
    "rollup": _task("rollup.config.js rollup.config.mjs rollup.config.ts", "-c --config"),
    "playwright": _task("playwright.config.ts playwright.config.js", "-c --config"),
    "prettier": _task("prettier.config.js .prettierrc.js prettier.config.mjs prettier.config.cjs", "--config --plugin"),
    "uv": _task(
        "pyproject.toml uv.toml",
        "-s --script",
        "--directory --project",
        texts=_INDEX,
        spares="--no-sync --frozen --locked",
        scripts=True,
    ),
    **dict.fromkeys(("pip", "pip3"), _task(texts=_INDEX)),
    **dict.fromkeys(
        ("gcc", "g++", "cc", "c++", "clang", "clang++"),
        _task(texts=r"-wrapper|-fplugin.*|-?-specs=.*|-B.*|-fuse-ld=.*/.*|-Xclang|-load|@.*"),
    ),
    "pre-commit": _task(".pre-commit-config.yaml", "-c --config"),
    "cmake": _task("CMakeLists.txt", "-P -C"),
    "sphinx-build": _task("docs/conf.py conf.py", "", "-c"),
    # A folder that looks like a bare repository is one: its `config` says what git runs.
    "git": _task("HEAD commondir", "", "-C --git-dir"),
    **dict.fromkeys(("sed", "gsed", "awk", "gawk", "mawk", "nawk"), _task(named="-f --file")),
    "terraform": _task("main.tf .terraformrc", "", "-chdir"),
}
