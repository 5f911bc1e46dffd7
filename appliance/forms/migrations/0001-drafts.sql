-- A form of one edition as a draft was opened with it: what was published is never changed, and a
-- draft must open even when its edition has been removed.
-- table form_definition: owner=local retention=filing
CREATE TABLE form_definition (
  form_id TEXT NOT NULL,
  form_version INTEGER NOT NULL,
  edition TEXT NOT NULL,
  definition TEXT NOT NULL,
  PRIMARY KEY (form_id, form_version, edition)
) STRICT;

-- table draft: owner=up retention=operations
CREATE TABLE draft (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  form_id TEXT NOT NULL,
  form_version INTEGER NOT NULL,
  edition TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'filed')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  filed_at INTEGER
) STRICT;
CREATE INDEX draft_visit ON draft (visit_id);

-- The shared documents as logs of Yjs updates (v1). Local: sending every keystroke up as well as
-- the submission would double the traffic of a branch.
-- table draft_update: owner=local retention=operations
CREATE TABLE draft_update (
  draft_id TEXT NOT NULL,
  audience TEXT NOT NULL CHECK (audience IN ('shared', 'office')),
  serial INTEGER NOT NULL,
  data BLOB NOT NULL,
  actor TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (draft_id, audience, serial)
) STRICT;

-- Who last touched which field.
-- table draft_field: owner=up retention=operations
CREATE TABLE draft_field (
  draft_id TEXT NOT NULL,
  audience TEXT NOT NULL CHECK (audience IN ('shared', 'office')),
  path TEXT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (draft_id, audience, path)
) STRICT;

-- table submission: owner=up retention=filing
CREATE TABLE submission (
  id TEXT NOT NULL PRIMARY KEY,
  draft_id TEXT NOT NULL UNIQUE,
  visit_id TEXT NOT NULL,
  form_id TEXT NOT NULL,
  form_version INTEGER NOT NULL,
  edition TEXT NOT NULL,
  content TEXT NOT NULL,
  content_sha256 TEXT NOT NULL,
  gaps TEXT NOT NULL,
  filed_at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL
) STRICT;
CREATE INDEX submission_visit ON submission (visit_id);
