"""Readers by the name that the data file gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ringfence.core.commands.draft import Draft
from ringfence.core.commands.readers import (
    archives,
    awk_program,
    databases,
    environment,
    git,
    inline_code,
    moving,
    network,
    queries,
    searching,
    sed_script,
    services,
)

READERS: Final[Mapping[str, Callable[[Draft], None]]] = {
    "copy": moving.copy, "move": moving.move, "link": moving.link, "remove": moving.remove, "dd": moving.dd,
    "below": moving.modes, "temporary": moving.temporary,
    "gzip": moving.gzip,
    "grep": searching.grep, "rg": searching.rg, "find": searching.find, "tar": archives.tar, "unzip": archives.unzip,
    "sed": sed_script.sed, "awk": awk_program.awk, "jq": queries.jq, "yq": queries.yq,
    "curl": network.curl, "wget": network.wget, "ssh": network.ssh, "copies away": network.copies_away,
    "listens": network.listens,
    "shows all": environment.shows_all, "kills": environment.kills, "tests": environment.tests,
    "reads in": environment.reads_in,
    "prints": environment.prints,
    "editor": environment.edits,
    "processes": environment.processes, "machine": environment.machine,
    "pager": environment.pages,
    "patches": git.patches,
    "git": git.everywhere, "git shows": git.shows, "git searches": git.searches, "git packs": git.packs,
    "git stashes": git.stashes, "git trailers": git.trailers,
    "git reaches": git.reaches, "git pushes": git.pushes, "git adds": git.adds,
    "git restores": git.restores, "git branches": git.branches, "git configures": git.configures, "git moves": git.moves,
    "git cleans": git.cleans,
    "git runs": git.bisects, "git patches": git.makes_patches,
    "psql": databases.psql, "mysql": databases.mysql, "sqlite": databases.sqlite, "redis": databases.redis,
    "mongo": databases.mongo,
    "dumps": databases.dumps,
    "python": inline_code.python, "node": inline_code.node, "interpreter": inline_code.other, "shell": inline_code.shell,
    "calculates": inline_code.calculates, "pytest": inline_code.pytest,
    "sources": inline_code.sources,
    "openssl": services.openssl, "docker run": services.docker_run, "docker copy": services.docker_copy,
    "compose config": services.compose_config, "make": services.make, "go builds": services.go_builds,
    "kubectl": services.kubectl,
    "go run": services.go_run, "npm install": services.npm_install, "npx": services.npx, "api": services.api,
    "java": services.java, "gradle": services.gradle, "maven": services.maven,
    "formats": services.formats, "outside": services.outside,
    "fixes": services.fixes, "fetches schemas": services.schemas, "forge shows": services.forge_shows,
}  # fmt: skip
