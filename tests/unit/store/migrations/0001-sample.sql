-- table account: owner=up retention=operations
CREATE TABLE account (
  id TEXT PRIMARY KEY,
  balance INTEGER NOT NULL,
  note BLOB
) STRICT;

-- table pair: owner=up retention=operations
CREATE TABLE pair (
  a INTEGER,
  b TEXT,
  account TEXT REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;

-- table outbox: owner=local retention=operations
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  changes BLOB NOT NULL
) STRICT;
