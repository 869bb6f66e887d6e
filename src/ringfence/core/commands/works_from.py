"""Files that a command takes its orders from without naming them: the Makefile of `make`, the package.json of `npm run`.

An approval holds for what they said when it was given (`engine.local.sealed`). Which of them are there is not looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ringfence.core.commands.paths import absolute
from ringfence.core.shell.command import Command
from ringfence.core.shell.programs.task_files import files_run

MOST: Final = 40
_TERRAFORM: Final = (
    "main.tf variables.tf outputs.tf providers.tf versions.tf backend.tf locals.tf terraform.tfvars .terraform.lock.hcl"
)
_FILES: Final = {
    "ansible-playbook": "ansible.cfg hosts inventory inventory.yml inventory.ini",
    "cap": "Capfile config/deploy.rb",
    "docker": "Dockerfile .dockerignore docker-bake.hcl docker-bake.json",
    "eb": ".elasticbeanstalk/config.yml",
    "fab": "fabfile.py",
    "firebase": "firebase.json .firebaserc",
    "fly": "fly.toml",
    "flyctl": "fly.toml",
    "gcloud": "app.yaml cloudbuild.yaml",
    "helmfile": "helmfile.yaml",
    "heroku": "Procfile app.json",
    "kamal": "config/deploy.yml",
    "netlify": "netlify.toml",
    "packer": "template.pkr.hcl template.json",
    "podman": "Containerfile Dockerfile",
    "pulumi": "Pulumi.yaml __main__.py index.ts index.js",
    "sam": "template.yaml samconfig.toml",
    "serverless": "serverless.yml serverless.yaml serverless.ts",
    "skaffold": "skaffold.yaml",
    "terraform": _TERRAFORM,
    "tofu": _TERRAFORM,
    "twine": ".pypirc",
    "vagrant": "Vagrantfile",
    "vercel": "vercel.json",
    "wrangler": "wrangler.toml wrangler.json wrangler.jsonc",
}
"""Besides those that run what a file says (`core.shell.programs.tasks`)."""
_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*|py")
_MODULES: Final = ("{0}.py", "{0}/__main__.py", "src/{0}.py", "src/{0}/__main__.py")
_RUNNERS: Final = frozenset({"uv", "poetry", "hatch", "pdm", "rye", "pipx"})
"""They run scripts that `pyproject.toml` names."""
_KUSTOMIZE: Final = ("-k", "--kustomize")
_CHDIR: Final = "-chdir="


def works_from(command: Command) -> tuple[str, ...]:
    """Absolute paths, there or not; none where nobody knows the folder."""
    if not command.words or command.cwd is None:
        return ()
    found = (absolute(name, command.cwd) for name in _names(command))
    return tuple(dict.fromkeys(path for path in found if not path.endswith("/")))[:MOST]


def _names(command: Command) -> Iterator[str]:
    name = command.words[0].text.rpartition("/")[2]
    texts = [word.text for word in command.words[1:] if word.is_known]
    if name == "git":
        return  # its orders are its words
    told = tuple(files_run(command.words))
    yield from told
    if told or name in _FILES:
        # A plan, a playbook, a recipe: which words are files is another matter in each of them.
        yield from (part for text in texts if (part := text.rpartition("=")[2]) and not part.startswith("-"))
    folder = next((text.removeprefix(_CHDIR) for text in texts if text.startswith(_CHDIR)), "")
    yield from (_in(folder, file) for file in _FILES.get(name, "").split())
    if name in _RUNNERS:
        yield "pyproject.toml"
    if _PYTHON.fullmatch(name) and "-m" in texts[:-1]:
        module = texts[texts.index("-m") + 1].replace(".", "/")
        yield from (form.format(module) for form in _MODULES)
    if name in ("kubectl", "kustomize"):
        yield from _kustomized(texts)


def _kustomized(texts: list[str]) -> Iterator[str]:
    for before, text in zip(["", *texts], texts, strict=False):
        option, _, value = text.partition("=")
        folder = text if before in _KUSTOMIZE else value if option in _KUSTOMIZE else ""
        if folder:
            yield from (_in(folder, name) for name in ("kustomization.yaml", "kustomization.yml"))


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
