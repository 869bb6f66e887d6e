"""Roles in a real Postgres: exactly the listed rights, no way to more, and nothing left of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Generator

import asyncpg
import pytest
from tests.servers.real_postgres import RealPostgres, real_postgres

from ringfence.adapters.minters.postgres import PostgresMinter
from ringfence.adapters.system.entropy import SystemEntropy
from ringfence.core.model.credential import MintedGrant
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.errors import UnavailableError
from ringfence.ports.minter import Minted, Need
from ringfence.ports.secrets import Secret
from ringfence.testing.fakes.clock import FakeClock

RUN, CALL = RunId("r_abcdefghijklmnop"), CallId("c_bbbbbbbbbbbbbbbb")
READ_ORDERS = MintedGrant(on="table orders", privileges=("select",))
SCHEMA = """
drop schema public cascade; create schema public; grant usage on schema public to public;
drop schema if exists sales cascade; create schema sales;
create table orders (id int, note text, card text); insert into orders values (1, 'first', '4111');
create table customers (id int); create table sales."Odd "" name" (id int);
create sequence ticket; create function twice(n int) returns int language sql as 'select n * 2';
revoke execute on function twice from public
"""


@pytest.fixture(scope="module")
def server() -> Generator[RealPostgres]:
    with real_postgres() as server:
        yield server


@pytest.fixture
async def postgres(server: RealPostgres) -> RealPostgres:
    """With the tables of `SCHEMA`, and without roles that another test may have left."""
    await server.run(SCHEMA, "select 1")
    await PostgresMinter(address(server.dsn()), "unit", FakeClock(), SystemEntropy()).sweep()
    return server


def address(dsn: str) -> Callable[[], Awaitable[Secret]]:
    async def read() -> Secret:
        return Secret(dsn)

    return read


def minter(postgres: RealPostgres, clock: FakeClock | None = None, dsn: str = "", instance: str = "unit") -> PostgresMinter:
    return PostgresMinter(address(dsn or postgres.dsn()), instance, clock or FakeClock(), SystemEntropy())


def need(*grants: MintedGrant, lifetime_s: float = 60) -> Need:
    return Need(grants=grants, lifetime_s=lifetime_s, statement_s=5)


async def refused(postgres: RealPostgres, minted: Minted, statement: str) -> bool:
    try:
        await postgres.run(statement, dsn=minted.values["dsn"].reveal())
    except asyncpg.InsufficientPrivilegeError:
        return True
    return False


@pytest.mark.requirement("I8")
@pytest.mark.parametrize(
    "statement",
    [
        "insert into orders values (2)",
        "update orders set note = ''",
        "delete from orders",
        "truncate orders",
        "drop table orders",
        "alter table orders add column x int",
        "select * from customers",
        'select * from sales."Odd "" name"',
        "create table mine (id int)",
        "create schema mine",
        "create role other",
        "create database other",
        "set role postgres",
        "set session authorization postgres",
        "select nextval('ticket')",
        "select twice(2)",
        "select pg_read_file('/etc/passwd')",
        "copy orders to program 'true'",
        "alter role current_user createdb",
        "select rolpassword from pg_authid",
        "grant select on orders to public",
    ],
)
async def test_a_role_that_may_read_one_table_can_do_nothing_else(postgres: RealPostgres, statement: str) -> None:
    at = minter(postgres)
    minted = await at.mint(need(READ_ORDERS), RUN, CALL)
    assert await postgres.run("select note from orders", dsn=minted.values["dsn"].reveal()) == [("first",)]
    try:
        if statement.startswith("grant"):  # Postgres only warns about it
            await postgres.run(statement, "select 1", dsn=minted.values["dsn"].reveal())
            assert await postgres.run("select has_table_privilege('public', 'orders', 'select')") == [(False,)]
        else:
            assert await refused(postgres, minted, statement)
    finally:
        await at.revoke(minted.id)


@pytest.mark.requirement("I8")
async def test_every_kind_of_grant_gives_just_that(postgres: RealPostgres) -> None:
    at = minter(postgres)
    grants = (
        MintedGrant(on="table public.orders", privileges=("select", "update"), columns=("note",)),
        MintedGrant(on="sequence ticket", privileges=("usage",)),
        MintedGrant(on="function twice", privileges=("execute",)),
    )
    minted = await at.mint(need(*grants), RUN, CALL)
    dsn = minted.values["dsn"].reveal()
    assert await postgres.run("update orders set note = 'new'", "select note from orders", dsn=dsn) == [("new",)]
    assert await postgres.run("select nextval('ticket'), twice(4)", dsn=dsn) == [(1, 8)]
    assert await refused(postgres, minted, "select card from orders")
    assert await refused(postgres, minted, "update orders set card = ''")
    await at.revoke(minted.id)


async def test_a_role_is_what_it_says_it_is(postgres: RealPostgres) -> None:
    minted = await minter(postgres).mint(need(READ_ORDERS), RUN, CALL)
    assert re.fullmatch(r"rf_unit_abcdefghijklmnop_[0-9a-f]{16}", minted.id)
    row = await postgres.run(
        "select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit,"
        f" rolvaliduntil between now() + '50 s' and now() + '70 s' from pg_roles where rolname = '{minted.id}'"
    )
    assert row == [(False, False, False, False, False, False, 2, True)]
    assert await postgres.run("show statement_timeout", dsn=minted.values["dsn"].reveal()) == [("5s",)]


@pytest.mark.requirement("I9")
async def test_the_server_is_never_sent_the_password_in_a_statement(postgres: RealPostgres) -> None:
    await postgres.run("alter system set log_statement = 'all'", "select pg_reload_conf()")
    minted = await minter(postgres).mint(need(READ_ORDERS), RUN, CALL)
    written = (postgres.folder / "log").read_text("utf-8")
    assert minted.id in written
    assert minted.values["password"].reveal() not in written


@pytest.mark.requirement("I8")
@pytest.mark.parametrize(
    "opened",
    [
        "grant select on customers to public",
        "grant update (note) on orders to public",
        "grant create on schema public to public",
        "grant usage on sequence ticket to public",
        "create function all_orders() returns bigint language sql security definer as 'select count(*) from orders'",
    ],
)
async def test_nothing_is_minted_where_everybody_has_more_than_was_asked_for(postgres: RealPostgres, opened: str) -> None:
    await postgres.run(opened, "select 1")
    with pytest.raises(UnavailableError, match="PUBLIC"):
        await minter(postgres).mint(need(READ_ORDERS), RUN, CALL)
    assert await postgres.roles() == []


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    "grant",
    [
        MintedGrant(on="table nowhere", privileges=("select",)),
        MintedGrant(on="table orders; drop table orders", privileges=("select",)),
        MintedGrant(on='table orders" to public; --', privileges=("select",)),
        MintedGrant(on="schema public", privileges=("create",)),
        MintedGrant(on="table orders", privileges=("truncate",)),
        MintedGrant(on="table orders", privileges=("select on customers to public; --",)),
        MintedGrant(on="table orders", privileges=("select",), columns=("note) on orders to public; --",)),
        MintedGrant(on="table orders", privileges=()),
    ],
)
async def test_what_cannot_be_granted_leaves_nothing_behind(postgres: RealPostgres, grant: MintedGrant) -> None:
    with pytest.raises(UnavailableError):
        await minter(postgres).mint(need(grant), RUN, CALL)
    assert await postgres.roles() == []
    assert await postgres.run("select count(*) from orders") == [(1,)]


async def test_a_revoked_role_loses_its_open_connection(postgres: RealPostgres) -> None:
    at = minter(postgres)
    minted = await at.mint(need(READ_ORDERS), RUN, CALL)
    connection = await asyncpg.connect(minted.values["dsn"].reveal())
    busy = asyncio.create_task(connection.fetch("select pg_sleep(60)"))
    await postgres.run("select pg_sleep(0.01)")
    await at.revoke(minted.id)
    with pytest.raises((asyncpg.PostgresError, asyncpg.PostgresConnectionError, ConnectionError)):
        await busy
    assert await postgres.roles() == []


async def test_a_role_that_left_large_objects_is_dropped_too(postgres: RealPostgres) -> None:
    at = minter(postgres)
    minted = await at.mint(need(READ_ORDERS), RUN, CALL)
    await postgres.run("select lo_create(4711)", dsn=minted.values["dsn"].reveal())
    await at.revoke(minted.id)
    assert await postgres.roles() == []
    assert await postgres.run("select count(*) from pg_largeobject_metadata") == [(0,)]


async def test_a_role_whose_time_is_over_is_swept_though_its_call_goes_on(postgres: RealPostgres) -> None:
    clock = FakeClock()
    at = minter(postgres, clock)
    minted = await at.mint(need(READ_ORDERS, lifetime_s=60), RUN, CALL)
    clock.advance(59_000)
    assert await at.sweep() == ()
    clock.advance(2_000)
    assert await at.sweep() == (minted.id,)
    await at.revoke(minted.id)


async def test_a_sweep_leaves_other_gateways_and_people_alone(postgres: RealPostgres) -> None:
    other = await minter(postgres, instance="other").mint(need(READ_ORDERS), RUN, CALL)
    await postgres.run("create role rf_unit", "create role person", "select 1")
    assert await minter(postgres).sweep() == ()
    assert other.id in await postgres.roles()
    await minter(postgres, instance="other").sweep()
    await postgres.run("drop role rf_unit", "drop role person", "select 1")


async def test_no_role_but_its_own_is_revoked(postgres: RealPostgres) -> None:
    with pytest.raises(UnavailableError):
        await minter(postgres).revoke("postgres")


async def test_a_role_that_may_create_roles_is_enough_to_mint(postgres: RealPostgres) -> None:
    await postgres.run(
        "drop role if exists keeper",
        "create role keeper login createrole password 'keeper-pass'",
        "grant select on orders to keeper with grant option",
        "grant usage on schema public to keeper with grant option",
        "select 1",
    )
    at = minter(postgres, dsn=postgres.dsn("keeper", "keeper-pass"))
    minted = await at.mint(need(READ_ORDERS), RUN, CALL)
    dsn = minted.values["dsn"].reveal()
    assert await postgres.run("select count(*) from orders", dsn=dsn) == [(1,)]
    connection = await asyncpg.connect(dsn)
    await at.revoke(minted.id)
    assert await postgres.roles() == []
    await connection.close(timeout=5)
    with pytest.raises(UnavailableError):
        await at.mint(need(MintedGrant(on="table customers", privileges=("select",))), RUN, CALL)
    await postgres.run("drop owned by keeper", "drop role keeper", "select 1")


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("dsn", ["postgresql://me:pw-canary-77@127.0.0.1:1/db", "mysql://me:pw-canary-77@db", "pw-canary-77"])
async def test_a_database_that_is_not_there_says_so_without_its_address(postgres: RealPostgres, dsn: str) -> None:
    with pytest.raises(UnavailableError) as failed:
        await minter(postgres, dsn=dsn).mint(need(READ_ORDERS), RUN, CALL)
    assert "canary" not in failed.value.diagnostics()
