"""Paths whose change a person has to see: what is run, or obeyed, when somebody merely opens, builds or tests the repository.

A pattern names a component of a path at any depth, or several in a row with `/` between them; case does not count. One that
ends in `/` is a folder with something in it. `*` and `?` stand for characters of one component. The list is data and grows:
an agent's configuration adds to it (`box.protect`), and cannot take away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from ringfence.core.export.names import components, folded

_GIT: Final = (".git*", "*~[0-9]*", "HEAD", "packed-refs", "objects/", "refs/", "hooks/")
"""git's own, the short names of NTFS (`CONFTE~1.PY` is `conftest.py`), and the shapes of a repository inside the tree."""
_SERVICES: Final = (
    ".github/", ".gitlab-ci.yml", ".circleci/", "Jenkinsfile*", ".travis.yml", "azure-pipelines*.yml", ".drone.yml",
    ".buildkite/", ".woodpecker*", "bitbucket-pipelines.yml", "appveyor.yml", ".pre-commit-config.yaml", ".husky/",
    "lefthook*.yml", "CODEOWNERS", "renovate.json*",
)  # fmt: skip
_EDITORS_AND_AGENTS: Final = (
    ".vscode/", ".idea/", ".cursor/", ".cursorrules", ".windsurf*", ".zed/", ".fleet/", ".claude/", ".codex/", ".gemini/",
    ".aider*", ".continue/", ".mcp.json", "mcp.json", "CLAUDE*.md", "AGENTS*.md", "GEMINI*.md", "SKILL.md",
    ".devcontainer/", ".devcontainer.json", "*.code-workspace", ".editorconfig", ".vimrc", ".nvimrc", ".exrc",
    ".dir-locals.el", "*.sublime-project", ".vs/", ".kiro/", ".roo*", ".cline*", ".junie/", ".augment*", ".trae/", ".opencode/",
    "opencode.json*", ".goosehints", ".rules", ".nvim.lua",
)  # fmt: skip
_SHELLS: Final = (
    ".envrc", ".env", ".env.*", ".npmrc", ".yarnrc*", ".yarn/", ".pnpmfile*", ".pypirc", "pip.conf", ".netrc", ".curlrc",
    ".wgetrc", ".bash*", ".profile", ".zsh*", ".zprofile", ".inputrc", ".tool-versions", "mise.toml", ".mise.toml",
    ".nvmrc", ".ruby-version", ".python-version", ".ssh/", ".aws/", ".config/", ".docker/", ".gdbinit", ".lldbinit", ".pdbrc*",
    ".ghci", ".irbrc", ".pryrc", ".rprofile", ".guile", ".mise/", "flake.nix", "shell.nix", "default.nix", "devbox.json",
)  # fmt: skip
_BUILDS: Final = (
    "Makefile", "Makefile.*", "GNUmakefile", "*.mk", "justfile", "Taskfile*", "Rakefile", "CMakeLists.txt", "*.cmake",
    "meson.build", "configure", "configure.ac", "BUILD", "BUILD.bazel", "WORKSPACE*", "MODULE.bazel", ".bazelrc",
    "package.json", "*.config.[jt]s", "*.config.[cm][jt]s", ".babelrc*", ".eslintrc*", ".prettierrc*", "gulpfile*",
    "Gruntfile*", "pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "*.pth", "Cargo.toml", "build.rs", ".cargo/",
    "go.mod", "pom.xml", "build.gradle*", "settings.gradle*", "gradle.properties", "gradlew*", "mvnw*", ".mvn/", "*.csproj",
    "Directory.Build.*", "*.sln", "Gemfile", "*.gemspec", "composer.json", "Dockerfile*", "*.dockerfile", "Containerfile*",
    "docker-compose*", "compose.yml", "compose.yaml", ".dockerignore", "Vagrantfile", "Procfile", "*.tf", "Brewfile",
    "SConstruct", "SConscript", "wscript", "dodo.py", "fabfile.py", "tasks.py", "manage.py", "autogen.sh", "bootstrap*.sh",
    "build.sbt", "mix.exs", "rebar.config*", "Package.swift", "Podfile", "*.pbxproj", "build.zig*", "Setup.hs", "*.cabal",
    "dune", "dune-project", "pubspec.yaml", "deno.json*", "bunfig.toml", "nx.json", "turbo.json", "lerna.json",
    "angular.json", "tsconfig*.json", "nodemon.json", ".swcrc", ".lintstagedrc*", ".stylelintrc*", "*.props", "*.targets",
    "*.vcxproj", "nuget.config", "global.json", "Earthfile", "Tiltfile", "skaffold.y*ml", "Fastfile", "Guardfile",
    "Dangerfile", "Capfile", "rust-toolchain*", "hatch.toml", "pdm.toml", "uv.toml", "*.hcl",
)  # fmt: skip
_LOCKS: Final = (
    "*.lock", "*.lockb", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "pnpm-workspace.yaml",
    "requirements*.txt", "constraints*.txt", "Pipfile*", "environment.yml", "go.sum", "gradle.lockfile", "packages.lock.json",
)  # fmt: skip
_TESTS: Final = (
    "conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini", ".pytest.ini", "tox.ini", "noxfile.py",
    ".coveragerc", ".mocharc*", "karma.conf.*", ".rspec", "phpunit.xml*", "spec_helper.rb", "jest.setup.*", "nose.cfg",
    ".pylintrc", "pylintrc", "mypy.ini", ".mypy.ini", ".flake8", ".rubocop.yml", ".simplecov", ".php-cs-fixer*", "rector.php",
    "phpstan.neon*", "psalm.xml*", "cypress.json", ".nycrc*", ".c8rc*", ".taprc",
)  # fmt: skip
PROTECTED: Final = (*_GIT, *_SERVICES, *_EDITORS_AND_AGENTS, *_SHELLS, *_BUILDS, *_LOCKS, *_TESTS)


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: tuple[str, ...]
    is_folder: bool


class Protected:
    """The built-in patterns with a configuration's own."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._patterns = tuple(_read(text) for text in (*PROTECTED, *more))

    def covers(self, path: str) -> bool:
        """Whether a person has to see a change of this path."""
        parts = components(path)
        return any(_matches(pattern, parts) for pattern in self._patterns)


def _read(text: str) -> _Pattern:
    return _Pattern(tuple(folded(part) for part in text.strip("/").split("/")), text.endswith("/"))


def _matches(pattern: _Pattern, parts: tuple[str, ...]) -> bool:
    length = len(pattern.parts)
    last = len(parts) - length - (1 if pattern.is_folder else 0)
    return any(
        all(fnmatchcase(part, wanted) for part, wanted in zip(parts[at : at + length], pattern.parts, strict=True))
        for at in range(last + 1)
    )
