-- The editions this machine has taken in; their files lie beside the database, named by digest.
-- table kb_edition: owner=local retention=cache
CREATE TABLE kb_edition (
  number INTEGER NOT NULL PRIMARY KEY,
  sha256 TEXT NOT NULL,
  manifest TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'retired')),
  activated_at INTEGER NOT NULL
) STRICT;
