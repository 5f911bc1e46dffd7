-- Photos and documents that are sent in a visit. The content is kept beside the database by its
-- SHA-256; kept_at is 0 while it is still coming in. filing_id: the filing that it went with, and
-- that it may not be taken away from any more.
-- table visit_file: owner=up retention=operations
CREATE TABLE visit_file (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  author TEXT NOT NULL CHECK (author IN ('citizen', 'clerk')),
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  type TEXT,
  announced_at INTEGER NOT NULL,
  kept_at INTEGER NOT NULL DEFAULT 0,
  filing_id TEXT
) STRICT;
CREATE UNIQUE INDEX visit_file_by_key ON visit_file (visit_id, author, key);
CREATE INDEX visit_file_by_content ON visit_file (sha256);
