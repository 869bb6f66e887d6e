"""Paths that a person has to see a change of, and the rails that a run may not touch at all.

Patterns in gitignore syntax. Narrower than what leaves a box by a bundle (`core/export/protected.py`): there a person looks at
a whole result once, here at every single write, so that what builds a project is left to its lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.core.model.local import PathUse, Place, Use
from ringfence.core.permissions.paths import Fit, ends_of, goes_below, is_inside
from ringfence.core.permissions.pattern_sets import pattern_set

_CI: Final = (
    "**/.github/workflows/**", "**/.github/actions/**", ".gitlab-ci.yml", "**/.circleci/**", "Jenkinsfile*",
    ".travis.yml", "azure-pipelines*.yml",
    ".drone.yml", "**/.buildkite/**", "**/.woodpecker/**", ".woodpecker.yml", "bitbucket-pipelines.yml", "appveyor.yml",
    "CODEOWNERS",
    "dependabot.yml", "renovate.json*",
)  # fmt: skip
_HOOKS: Final = (
    "**/.git/**", ".git", "**/.husky/**", "lefthook*.yml",
    ".pre-commit-config.yaml",
    ".gitattributes", ".gitmodules", "**/.githooks/**",
)  # fmt: skip
_AGENTS: Final = (
    "**/.claude/**", "**/.codex/**", "**/.gemini/**", "**/.cursor/**", ".cursorrules", "**/.windsurf/**",
    "**/.continue/**", "**/.aider*",
    ".mcp.json", "mcp.json", "CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", "GEMINI.md", "**/.vscode/**", "**/.idea/**",
    "**/.devcontainer/**",
    "*.code-workspace", "**/.zed/**", "copilot-instructions.md",
)  # fmt: skip
_POLICY: Final = ("*.cedar", "*.rego", "ringfence.yaml", "ringfence.yml")
_LOCKS: Final = (
    "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb", "poetry.lock",
    "uv.lock", "Pipfile.lock",
    "pdm.lock", "Cargo.lock", "go.sum", "Gemfile.lock", "composer.lock", "gradle.lockfile", "packages.lock.json",
    "mix.lock", "flake.lock",
    "deno.lock", "Package.resolved", ".terraform.lock.hcl",
)  # fmt: skip
_INFRASTRUCTURE: Final = (
    "*.tf",
    "*.tfvars",
    "Pulumi*.yaml",
    "**/k8s/**",
    "**/helm/**",
    "**/terraform/**",
    "**/ansible/**",
    "cloudbuild.y?ml",
    "serverless.yml",
)
_AUTH: Final = (
    "**/auth/**",
    "authorized_keys",
    "sudoers",
    "**/.ssh/**",
    "**/pam.d/**",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".htaccess",
    ".htpasswd",
)
_START: Final = (
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin",
    ".inputrc", "config.fish",
    ".envrc", ".gitconfig", "**/.config/git/**", "**/.config/autostart/**", "**/.config/systemd/**", "sitecustomize.py",
    "usercustomize.py", "*.pth",
    ".tool-versions", "mise.toml", "pip.conf", "**/.cargo/config", "**/.cargo/config.toml", "rust-toolchain",
    "rust-toolchain.toml", "**/.mvn/**", ".pnpmfile.cjs", ".yarnrc", ".yarnrc.yml", "**/.yarn/releases/**",
    "**/node_modules/**", "**/.venv/bin/**", "**/site-packages/**", "pyvenv.cfg", "**/Library/LaunchAgents/**",
)  # fmt: skip
PROTECTED: Final = (*_CI, *_HOOKS, *_AGENTS, *_POLICY, *_LOCKS, *_INFRASTRUCTURE, *_AUTH, *_START)
RAILS: Final = (
    "**/.claude/settings.json", "**/.claude/settings.local.json", "**/.claude/hooks/**", "**/.claude/plugins/**",
    "**/.codex/**", "//etc/claude-code/**",
    "//etc/codex/**", "**/.ringfence/**", "**/.config/ringfence/**", "**/.local/state/ringfence/**", "//etc/ringfence/**",
    "//var/lib/ringfence/**",
    "**/Library/Application Support/ClaudeCode/**", ".claude.json", "managed-settings.json",
    "managed-mcp.json",
)  # fmt: skip
"""Where clients and the gateway keep what holds them: hooks, rules, locks, state."""
RAIL_FOLDERS: Final = frozenset({".claude", ".codex", ".ringfence", "claude-code"})


def protected_fit(use: PathUse, place: Place, more: Iterable[str] = (), fewer: Iterable[str] = ()) -> Fit:
    """How much of what an act may change needs a person."""
    if not goes_below(use) and not use.is_pattern and pattern_set(tuple(fewer)).fit(use, place) is Fit.ALL:
        return Fit.NONE
    return pattern_set((*PROTECTED, *more)).fit(use, place)


def rail_fit(use: PathUse, place: Place, rails: Iterable[str]) -> Fit:
    """Whether a change is one of what holds the run, or of a folder that holds it: either end of a link counts."""
    ends, own = ends_of(use), tuple(rails)
    if any(is_inside(end, own) for end in ends) or pattern_set(RAILS).fit(use, place) is Fit.ALL:
        return Fit.ALL
    if not (use.is_folder or goes_below(use)):
        return Fit.NONE
    if use.use is Use.DELETE and any(end.rpartition("/")[2].casefold() in RAIL_FOLDERS for end in ends):
        return Fit.ALL
    # What is done to a folder is done to what lies in it, or may be.
    return Fit.SOME if any(is_inside(rail, ends) for rail in own) else Fit.NONE
