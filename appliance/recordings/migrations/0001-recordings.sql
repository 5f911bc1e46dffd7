-- What each side of a visit was asked on which terms, and what it said; in the order of `serial`.
-- table recording_consent: owner=up retention=audit
CREATE TABLE recording_consent (
  visit_id TEXT NOT NULL,
  serial INTEGER NOT NULL,
  party TEXT NOT NULL CHECK (party IN ('citizen', 'clerk')),
  actor TEXT NOT NULL,
  answer TEXT NOT NULL CHECK (answer IN ('yes', 'no', 'withdrawn')),
  legal_basis TEXT NOT NULL,
  retention_days INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (visit_id, serial)
) STRICT;

-- table recording: owner=up retention=audit
CREATE TABLE recording (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  service TEXT NOT NULL,
  clerk_id TEXT NOT NULL,
  legal_basis TEXT NOT NULL,
  retention_days INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('recording', 'kept', 'interrupted', 'deleted')),
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL DEFAULT 0,
  delete_at INTEGER NOT NULL DEFAULT 0,
  deleted_at INTEGER NOT NULL DEFAULT 0,
  deleted_why TEXT NOT NULL DEFAULT '' CHECK (deleted_why IN ('', 'due', 'withdrawn', 'asked'))
) STRICT;
CREATE INDEX recording_by_visit ON recording (visit_id, started_at);
CREATE INDEX recording_by_state ON recording (state, delete_at);

-- Part 0 is the table of contents. The files lie beside the database under their digests; their
-- keys lie nowhere but there, so that a copy of the database opens none.
-- table recording_file: owner=up retention=audit
CREATE TABLE recording_file (
  recording_id TEXT NOT NULL,
  part INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (recording_id, part)
) STRICT;

-- table recording_replay: owner=up retention=audit
CREATE TABLE recording_replay (
  id TEXT NOT NULL PRIMARY KEY,
  recording_id TEXT NOT NULL,
  staff_id TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX recording_replay_by_recording ON recording_replay (recording_id, at);
