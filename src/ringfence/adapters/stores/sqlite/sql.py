"""Every statement of the store, by name.

A batch is one INSERT into a temporary view whose trigger does all the work: one transaction, and one step of SQLite. That
matters because apsw gives up the interpreter lock for each step and has to win it back from a busy event loop, which may take
5 ms each time; with six statements a commit the log would be slowest when it is needed most. Lists travel as JSON text, leaves
as one blob with their spans, so no byte of a leaf passes through a codec.

The view and its triggers are temporary, so they belong to this program's version and not to the file.
"""

from __future__ import annotations

TABLES = (
    "runs", "credentials", "accounts", "holds", "meters", "tickets", "stops", "pauses", "operators", "pins", "labels",
    "handoffs",
)  # fmt: skip
"""The tables of the state, named as in `core.records.state.State`."""

SHRINKING = ("runs", "credentials", "accounts", "holds", "meters", "tickets", "stops", "pauses", "labels", "handoffs")
"""Tables from which rows go."""

# Settings of the connection that writes. NORMAL: see `writer` for who makes commits durable.
PREPARE_WRITER = """
pragma journal_mode = wal;
pragma synchronous = normal;
pragma wal_autocheckpoint = 0;
pragma journal_size_limit = 67108864;
pragma temp_store = memory;
pragma trusted_schema = off;
pragma foreign_keys = off;
"""

# Settings of the connection that only reads.
PREPARE_READER = """
pragma query_only = on;
pragma temp_store = memory;
pragma trusted_schema = off;
"""

# The columns of a batch, in the order of its parameters.
BATCH_COLUMNS = (
    "base", "spans", "leaves", "size", "edge", "anchor_size", "anchor_edge",
    *(f"put_{table}" for table in TABLES), *(f"drop_{table}" for table in SHRINKING), "notes",
)  # fmt: skip

# One trigger a list, skipped where the list is absent: opening an empty `json_each` costs as much as writing a row.
_PUTS = "\n".join(
    f"""create temp trigger put_{table} instead of insert on batch when new.put_{table} is not null begin
  insert into {table} select value ->> 0, value -> 1 from json_each(new.put_{table}) where true
    on conflict(id) do update set doc = excluded.doc;
end;"""
    for table in TABLES
)
_DROPS = "\n".join(
    f"""create temp trigger drop_{table} instead of insert on batch when new.drop_{table} is not null begin
  delete from {table} where id in (select value from json_each(new.drop_{table}));
end;"""
    for table in SHRINKING
)

# What one batch changes: entries with the head of their tree, rows of the state, checkpoints.
# What one fold changes: the searchable columns of the entries from `indexed` up to `upto`.
CREATE_WRITES = f"""
create temp view batch({", ".join(BATCH_COLUMNS)}) as select {", ".join("null" for _ in BATCH_COLUMNS)};
create temp trigger put_entries instead of insert on batch when new.spans is not null begin
  insert into entries
    select new.base + key, substr(new.leaves, value ->> 0, value ->> 1) from json_each(new.spans);
  update head set size = new.size, edge = new.edge, anchor_size = new.anchor_size, anchor_edge = new.anchor_edge;
end;
{_PUTS}
{_DROPS}
create temp trigger put_checkpoints instead of insert on batch when new.notes is not null begin
  insert into checkpoints select value ->> 0, value ->> 1 from json_each(new.notes) where true
    on conflict(size) do update set note = excluded.note;
end;
create temp view drops(stems, upto) as select null, null;
create temp trigger write_drops instead of insert on drops begin
  update entries set leaf = cast(given.stem as blob)
    from (select value ->> 0 as seq, value ->> 1 as stem from json_each(new.stems)) as given
   where entries.seq = given.seq;
  insert into meta values ('dropped', new.upto) on conflict(key) do update set value = excluded.value;
end;
create temp view fold(upto) as select null;
create temp trigger write_fold instead of insert on fold begin
  insert into facets
    select seq, leaf ->> '$.at', leaf ->> '$.kind', leaf ->> '$.run', leaf ->> '$.agent', leaf ->> '$.tool',
           leaf ->> '$.call', leaf ->> '$.decision'
      from (select seq, cast(leaf as text) as leaf from entries
             where seq >= (select indexed from head) and seq < new.upto order by seq);
  update head set indexed = new.upto;
end;
"""

# Write one batch.
WRITE_BATCH = f"insert into batch values ({', '.join('?' for _ in BATCH_COLUMNS)})"

# Make the entries before the parameter searchable.
WRITE_FOLD = "insert into fold values (?)"

# Touch the file, so that the write-ahead log exists and writing is known to work.
TOUCH = "insert into meta values ('opened', 1) on conflict(key) do update set value = value + 1"

# Try whether as much as a large batch can be written again.
PROBE = "insert into meta values ('probe', zeroblob(262144)) on conflict(key) do update set value = excluded.value"

# Give back what the probe took.
PROBE_DONE = "delete from meta where key = 'probe'"

# The head of the tree, with the anchor from which it is checked at start.
HEAD = "select size, edge, anchor_size, anchor_edge, indexed from head"

# How many entries there are, and the first and last place.
EXTENT = "select count(*), min(seq), max(seq) from entries"

# How many entries are searchable, and the last of them.
FACETS_EXTENT = "select count(*), max(seq) from facets"

# The size that the newest checkpoint speaks of.
CHECKPOINT_SIZE = "select max(size) from checkpoints"

# The newest checkpoint.
CHECKPOINT = "select note from checkpoints order by size desc limit 1"

# How many entries the head speaks of.
SIZE = "select size from head"

# Move pages from the write-ahead log into the database: as many as readers allow; all, and leave an empty log.
MOVE_PAGES = "pragma wal_checkpoint(passive)"
MOVE_ALL_PAGES = "pragma wal_checkpoint(truncate)"

# A stretch of leaves in order.
LEAVES = "select seq, cast(leaf as blob) from entries where seq >= ? and seq < ? order by seq"

# All of them.
EVERY_LEAF = "select cast(leaf as blob) from entries order by seq"

# A stretch of leaves as one JSON text.
LEAF_TEXTS = """select json_group_array(leaf)
  from (select cast(leaf as text) as leaf from entries where seq >= ? and seq < ? order by seq)"""

# One tile's hashes; the roots of tiles at a level; how many tiles there are at level 0.
TILE = "select hashes from tiles where level = ? and n = ?"
TILE_ROOTS = """select json_group_array(json_array(n, root))
  from (select n, hex(root) as root from tiles where level = ? and n >= ? and n < ? order by n)"""
TILED = "select coalesce(max(n) + 1, 0) from tiles where level = 0"

# Keep one tile.
WRITE_TILE = "insert into tiles values (?, ?, ?, ?) on conflict(level, n) do nothing"

# Drop bodies: entries as `[[seq, stem], ...]`, and the place up to which none is left.
WRITE_DROPS = "insert into drops values (?, ?)"

# Overwrite what is deleted or replaced from here on; or only release it.
OVERWRITE = "pragma secure_delete = on"
RELEASE = "pragma secure_delete = off"

# The place up to which no body is left, and the entries from there on, with their time and text.
DROPPED = "select coalesce((select value from meta where key = 'dropped'), 0)"
DROPPABLE = """select json_group_array(json_array(seq, at, leaf))
  from (select seq, cast(leaf as text) ->> '$.at' as at, cast(leaf as text) as leaf from entries
         where seq >= ? order by seq limit ?)"""

# How far the searchable columns reach.
INDEXED = "select indexed from head"


def rows_of(table: str) -> str:
    """All rows of one table of the state; tickets in the order of addition."""
    return f"select id, doc from {table} order by {'rowid' if table == 'tickets' else 'id'}"
