"""The schema, as numbered steps. A step that was released is never changed; `pragma user_version` counts the steps done."""

from __future__ import annotations

import apsw

from ringfence.errors import ConfigError, IntegrityError

APPLICATION_ID = 0x52464E43
"""`RFNC` in the header of the file: somebody else's database is refused, not migrated."""

# `entries` has only what a commit must write. What people filter by is read out of the leaf itself into `facets`, in large
# steps and a little later: six index pages less in every commit, and the columns cannot disagree with the evidence.
_FIRST = """
create table entries(seq integer primary key, leaf blob not null) strict;
create table facets(seq integer primary key, at integer not null, kind text not null, run text, agent text, tool text,
                    call text, decision text) strict;
create index facets_by_at on facets(at);
create index facets_by_kind on facets(kind);
create index facets_by_run on facets(run);
create index facets_by_agent on facets(agent);
create index facets_by_tool on facets(tool);
create index facets_by_call on facets(call);
create index facets_by_decision on facets(decision);
create table head(only integer primary key check (only = 0), size integer not null, edge blob not null,
                  anchor_size integer not null, anchor_edge blob not null, indexed integer not null) strict;
insert into head values (0, 0, x'', 0, x'', 0);
create table runs(id text primary key, doc text not null) strict, without rowid;
create table credentials(id text primary key, doc text not null) strict, without rowid;
create table accounts(id text primary key, doc text not null) strict, without rowid;
create table holds(id text primary key, doc text not null) strict, without rowid;
create table tickets(id text primary key, doc text not null) strict;
create table stops(id text primary key, doc text not null) strict, without rowid;
create table operators(id text primary key, doc text not null) strict, without rowid;
create table checkpoints(size integer primary key, note text not null) strict;
create table meta(key text primary key, value any) strict, without rowid;
"""

_PINS = """
create table pins(id text primary key, doc text not null) strict;
"""

# The tree's hashes (see `tiles`): they repeat what the leaves say, and are made again where they are missing.
_TILES = """
create table if not exists tiles(level integer not null, n integer not null, hashes blob not null, root blob not null,
                                 primary key(level, n)) strict;
"""

_METERS = """
create table if not exists meters(id text primary key, doc text not null) strict, without rowid;
"""

# Nobody took note of what runs from before this step have read: they have the worst label, until an operator answers for them.
_LABELS = """
create table if not exists labels(id text primary key, doc text not null) strict, without rowid;
update runs set doc = json_set(doc, '$.label', json('{"integrity":"untrusted","confidentiality":"regulated"}'))
  where doc ->> '$.label' is null;
insert into labels
  select distinct 'agent:' || (doc ->> '$.agent'), '{"integrity":"untrusted","confidentiality":"regulated"}' from runs
    where doc ->> '$.label' ->> '$.confidentiality' = 'regulated'
  on conflict(id) do nothing;
"""

_HANDOFFS = """
create table if not exists handoffs(id text primary key, doc text not null) strict, without rowid;
"""

_PAUSES = """
create table if not exists pauses(id text primary key, doc text not null) strict, without rowid;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _PINS, _TILES, _METERS, _LABELS, _HANDOFFS, _PAUSES)


def migrate(db: apsw.Connection) -> None:
    """Bring the schema up to date, one transaction a step.

    Raises: ConfigError for a schema newer than this program, IntegrityError for a file that is not a Ringfence store.
    """
    version = db.pragma("user_version")
    application = db.pragma("application_id")
    if version > len(MIGRATIONS):
        raise ConfigError(
            f"the store has schema {version}, this version of ringfence knows {len(MIGRATIONS)}",
            remedy="start the newer version again, or restore the state directory from before the upgrade",
        )
    tables = db.execute("select count(*) from sqlite_schema").get
    if application != APPLICATION_ID and (version or application or tables):
        raise IntegrityError("the database in the state directory is not a ringfence store")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        stamps = f"pragma user_version = {number}; pragma application_id = {APPLICATION_ID};"
        db.execute(f"begin immediate; {script} {stamps} commit").fetchall()
