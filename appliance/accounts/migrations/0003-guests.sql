-- An invitation for somebody beside citizen and clerk says what for; empty: it is the citizen's.
ALTER TABLE invitation ADD COLUMN guest_role TEXT NOT NULL DEFAULT '';

-- Interpreters and colleagues in a visit's call. The id is no secret; who is in shows a cookie, of
-- which this is the SHA-256.
-- table guest: owner=local retention=session
CREATE TABLE guest (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  left_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX guest_by_visit ON guest (visit_id);
