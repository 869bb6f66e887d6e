"""What a role can really do: what it was granted, and what everybody was."""

from __future__ import annotations

from ringfence.adapters.minters.pg_driver import Connection
from ringfence.adapters.minters.pg_grants import Right

_RELATIONS = """
with reachable as (
  select oid, nspname from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
    and has_schema_privilege($1::name, oid, 'usage')
), relation as (
  select c.oid, r.nspname, c.relname from pg_class c join reachable r on r.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
), whole as (
  select oid, nspname, relname, p from relation,
    unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
  where has_table_privilege($1::name, oid, p)
)
select 'table', nspname, relname, p, '' from whole
union all
select 'table', r.nspname, r.relname, part, a.attname
from relation r cross join unnest(array['select', 'insert', 'update', 'references']) part
join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
where not exists (select from whole w where w.oid = r.oid and w.p = part)
  and has_column_privilege($1::name, r.oid, a.attnum, part)
union all
select 'sequence', r.nspname, c.relname, p, ''
from pg_class c join reachable r on r.oid = c.relnamespace cross join unnest(array['usage', 'select', 'update']) p
where c.relkind = 'S' and has_sequence_privilege($1::name, c.oid, p)
union all
select 'function', r.nspname, f.proname, case when f.prosecdef then 'execute' else 'execute as caller' end, ''
from pg_proc f join reachable r on r.oid = f.pronamespace
where has_function_privilege($1::name, f.oid, 'execute')
union all
select 'schema', nspname, '', 'create', '' from pg_namespace where has_schema_privilege($1::name, oid, 'create')
union all
select 'database', datname, '', 'create', '' from pg_database
where datname = current_database() and has_database_privilege($1::name, oid, 'create')
"""
_AS_CALLER = "execute as caller"
"""A function that runs with the rights of whoever calls it gives nobody more."""


async def rights_held(connection: Connection, role: str) -> frozenset[Right]:
    """Every right of a role in this database beyond what the system catalogue gives to all. Raises UnavailableError."""
    rows = await connection.fetch(_RELATIONS, role)
    return frozenset(Right(str(kind), str(schema), str(name), str(p), str(column)) for kind, schema, name, p, column in rows)


def compared(wanted: frozenset[Right], held: frozenset[Right]) -> tuple[list[Right], list[Right]]:
    """What is missing, and what is too much."""
    harmless = {right for right in held if right.privilege == _AS_CALLER}
    callable_ = {Right("function", right.schema, right.name, "execute") for right in harmless}
    return sorted(wanted - held - callable_), sorted(held - harmless - wanted)
