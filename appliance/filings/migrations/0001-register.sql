-- table filing: owner=up retention=filing
CREATE TABLE filing (
  id TEXT NOT NULL PRIMARY KEY,
  submission_id TEXT NOT NULL UNIQUE,
  visit_id TEXT NOT NULL,
  number TEXT NOT NULL UNIQUE,
  arrived_at INTEGER NOT NULL,
  receipt TEXT NOT NULL,
  signature TEXT NOT NULL
) STRICT;
CREATE INDEX filing_visit ON filing (visit_id);

-- How far each range is used. Up, so that headquarters knows it when a box is replaced.
-- table register_range: owner=up retention=filing
CREATE TABLE register_range (
  office TEXT NOT NULL,
  year INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (office, year, epoch)
) STRICT;
