-- Services as the queue sees them: the catalogue says what they are, the branch says whether they are open.
-- table queue_service: owner=up retention=operations
CREATE TABLE queue_service (
  id TEXT NOT NULL PRIMARY KEY,
  prefix TEXT NOT NULL,
  open INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- table counter: owner=up retention=operations
CREATE TABLE counter (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  open INTEGER NOT NULL,
  staff_id TEXT,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- day is the local business day; serial starts again at 1 for each prefix and day.
-- table ticket: owner=up retention=operations
CREATE TABLE ticket (
  id TEXT NOT NULL PRIMARY KEY,
  day TEXT NOT NULL,
  prefix TEXT NOT NULL,
  serial INTEGER NOT NULL,
  number TEXT NOT NULL,
  service TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('walk-in', 'video')),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'called', 'finished', 'no-show', 'cancelled')),
  counter TEXT,
  calls INTEGER NOT NULL DEFAULT 0,
  idempotency_key TEXT,
  issued_at INTEGER NOT NULL,
  first_called_at INTEGER NOT NULL DEFAULT 0,
  last_called_at INTEGER NOT NULL DEFAULT 0,
  finished_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX ticket_by_serial ON ticket (day, prefix, serial);
CREATE UNIQUE INDEX ticket_by_key ON ticket (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX ticket_by_state ON ticket (day, state, issued_at);

-- table visit: owner=up retention=operations
CREATE TABLE visit (
  id TEXT NOT NULL PRIMARY KEY,
  ticket_id TEXT,
  service TEXT NOT NULL,
  counter TEXT,
  clerk_id TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('walk-in', 'video')),
  identity TEXT NOT NULL DEFAULT 'none' CHECK (identity IN ('none', 'seen', 'known')),
  state TEXT NOT NULL CHECK (state IN ('open', 'ended')),
  opened_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX visit_by_clerk ON visit (clerk_id, state);
CREATE INDEX visit_by_ticket ON visit (ticket_id);
