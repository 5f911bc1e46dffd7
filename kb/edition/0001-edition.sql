-- What is inside an edition file. The search tables, one a language (search_hu, …), are made by
-- the build, because the languages are the sources'.
-- table meta: owner=local retention=cache
CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
-- table office: owner=local retention=cache
CREATE TABLE office (
  id TEXT NOT NULL PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;
-- table service: owner=local retention=cache
CREATE TABLE service (
  id TEXT NOT NULL PRIMARY KEY,
  office TEXT NOT NULL REFERENCES office (id),
  version INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  json TEXT NOT NULL,
  UNIQUE (office, prefix)
) STRICT;
-- table form: owner=local retention=cache
CREATE TABLE form (
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (id, version)
) STRICT;
