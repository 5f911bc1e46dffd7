-- A completion is registered under the number of what it completes, with an ordinal of its own.
-- NULL means 1, as in the table submission (forms/migrations).
-- table filing_ordered: owner=up retention=filing
CREATE TABLE filing_ordered (
  id TEXT NOT NULL PRIMARY KEY,
  submission_id TEXT NOT NULL UNIQUE,
  visit_id TEXT NOT NULL,
  number TEXT NOT NULL,
  arrived_at INTEGER NOT NULL,
  receipt TEXT NOT NULL,
  signature TEXT NOT NULL,
  ordinal INTEGER
) STRICT;
INSERT INTO filing_ordered SELECT *, NULL FROM filing;
DROP TABLE filing;
ALTER TABLE filing_ordered RENAME TO filing;
CREATE INDEX filing_visit ON filing (visit_id);
CREATE UNIQUE INDEX filing_number ON filing (number, coalesce(ordinal, 1));
