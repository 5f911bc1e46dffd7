-- A draft is submitted once, and once more each time it was reopened for completion. `ordinal`
-- counts a draft's submissions from 1. It has no default and may be NULL, which means 1: rows of
-- before stay as they were replicated, and headquarters' copies of them stay equal. A release that
-- knows no completions can file no draft twice on this schema.
-- table submission_ordered: owner=up retention=filing
CREATE TABLE submission_ordered (
  id TEXT NOT NULL PRIMARY KEY,
  draft_id TEXT NOT NULL,
  visit_id TEXT NOT NULL,
  form_id TEXT NOT NULL,
  form_version INTEGER NOT NULL,
  edition TEXT NOT NULL,
  content TEXT NOT NULL,
  content_sha256 TEXT NOT NULL,
  gaps TEXT NOT NULL,
  filed_at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  ordinal INTEGER
) STRICT;
INSERT INTO submission_ordered SELECT *, NULL FROM submission;
DROP TABLE submission;
ALTER TABLE submission_ordered RENAME TO submission;
CREATE INDEX submission_visit ON submission (visit_id);
CREATE UNIQUE INDEX submission_draft ON submission (draft_id, coalesce(ordinal, 1));

-- What the office asked for when it reopened a filed draft. `visit_id` is the visit it was last
-- taken up in; `due` the last day, local, "2026-12-01"; `completed_by` the submission that
-- followed, NULL while the draft is open.
-- table completion: owner=up retention=filing
CREATE TABLE completion (
  id TEXT NOT NULL PRIMARY KEY,
  draft_id TEXT NOT NULL,
  submission_id TEXT NOT NULL,
  visit_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  due TEXT,
  opened_at INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  taken_up_at INTEGER NOT NULL,
  completed_by TEXT
) STRICT;
CREATE UNIQUE INDEX completion_open ON completion (draft_id) WHERE completed_by IS NULL;
CREATE INDEX completion_draft ON completion (draft_id);
