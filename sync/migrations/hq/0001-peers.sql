-- Headquarters' side of replication: how far each box has come, and what goes down to the boxes.

-- table sync_peer: owner=local retention=operations
CREATE TABLE sync_peer (
  box TEXT NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL,
  applied_seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  last_seen_at INTEGER NOT NULL,
  applied_at INTEGER,
  quarantine TEXT,
  digest_seq INTEGER,
  digest_at INTEGER,
  down_seq INTEGER NOT NULL
) STRICT;

-- table sync_schema: owner=local retention=operations
CREATE TABLE sync_schema (
  id BLOB NOT NULL PRIMARY KEY,
  json TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- The replica tables that schema frames have made: replica_<name>.
-- table sync_replica: owner=local retention=operations
CREATE TABLE sync_replica (
  name TEXT NOT NULL PRIMARY KEY
) STRICT;

-- box is '' for an entry that goes to all.
-- table down_journal: owner=local retention=operations
CREATE TABLE down_journal (
  seq INTEGER NOT NULL PRIMARY KEY,
  box TEXT NOT NULL,
  kind TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  payload BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX down_journal_box ON down_journal (box, seq);

-- One row: last_seq never falls back when old entries are removed; a restored database gets a new
-- generation, so that boxes take everything again.
-- table down_state: owner=local retention=operations
CREATE TABLE down_state (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  generation TEXT NOT NULL,
  last_seq INTEGER NOT NULL
) STRICT;
