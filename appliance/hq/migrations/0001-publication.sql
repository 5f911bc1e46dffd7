-- The editions headquarters has published.
-- table publication: owner=local retention=operations
CREATE TABLE publication (
  number INTEGER NOT NULL PRIMARY KEY,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  manifest TEXT NOT NULL,
  issued_at INTEGER NOT NULL
) STRICT;
