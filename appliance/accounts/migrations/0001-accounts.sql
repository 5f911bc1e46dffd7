-- Headquarters writes staff; every branch has a copy so that people can sign in while the line is cut.
-- table staff: owner=down retention=account
CREATE TABLE staff (
  id TEXT NOT NULL PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  roles TEXT NOT NULL,
  language TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
) STRICT;

-- id is the SHA-256 of the cookie's secret: who reads the database cannot sign in with it.
-- table sign_in: owner=local retention=session
CREATE TABLE sign_in (
  id TEXT NOT NULL PRIMARY KEY,
  staff_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- table invitation: owner=local retention=session
CREATE TABLE invitation (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL UNIQUE,
  code_sha256 TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL DEFAULT 0,
  revoked_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX invitation_by_code ON invitation (code_sha256);
CREATE INDEX invitation_by_visit ON invitation (visit_id);

-- table citizen_session: owner=local retention=session
CREATE TABLE citizen_session (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  resume_sha256 TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL
) STRICT;
