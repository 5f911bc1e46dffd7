-- table schema_version: owner=local retention=operations
CREATE TABLE schema_version (
  part TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT;

-- Live screens, figures and the audit trail come from this one log.
-- table event: owner=up retention=audit
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  topic TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT
) STRICT;

CREATE INDEX event_topic ON event (topic, seq);
