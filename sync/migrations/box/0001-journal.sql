-- The box's side of replication: what goes up, and how far what came down has been applied.

-- table outbox: owner=local retention=operations
CREATE TABLE outbox (
  seq INTEGER NOT NULL PRIMARY KEY,
  prev_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  schema BLOB NOT NULL,
  sha256 BLOB NOT NULL,
  payload BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- table journal_schema: owner=local retention=operations
CREATE TABLE journal_schema (
  id BLOB NOT NULL PRIMARY KEY,
  json TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- One row: acked_seq is what headquarters has acknowledged; generation and applied_seq say how far
-- headquarters' journal has been applied here.
-- table journal_state: owner=local retention=operations
CREATE TABLE journal_state (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  acked_seq INTEGER NOT NULL,
  generation TEXT NOT NULL,
  applied_seq INTEGER NOT NULL
) STRICT;
