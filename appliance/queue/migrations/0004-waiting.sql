-- Who waits for a meeting by video. visit_id is the id that the visit will have: the link, its
-- session and its live topic are bound to it before there is a visit. away_at: when the last page
-- went, 0 while one is open; aside_at: when the desk stopped calling, until the person is back.
-- It holds who is at a page at this moment and nothing that outlives the number, so it stays here.
-- table waiting_place: owner=local retention=session
CREATE TABLE waiting_place (
  visit_id TEXT NOT NULL PRIMARY KEY,
  service TEXT NOT NULL,
  ticket_id TEXT,
  language TEXT NOT NULL DEFAULT '',
  made_at INTEGER NOT NULL,
  away_at INTEGER NOT NULL DEFAULT 0,
  aside_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX waiting_place_by_ticket ON waiting_place (ticket_id) WHERE ticket_id IS NOT NULL;

-- What the desk tells those who wait: everybody of a service, or one number. A phrase is kept by its
-- name and read in the reader's language; a text has the language of who wrote it. It goes up as
-- what was said in a visit does.
-- table desk_message: owner=up retention=operations
CREATE TABLE desk_message (
  id TEXT NOT NULL PRIMARY KEY,
  day TEXT NOT NULL,
  service TEXT NOT NULL,
  ticket_id TEXT,
  staff_id TEXT NOT NULL,
  key TEXT NOT NULL,
  phrase TEXT,
  text TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL,
  sent_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX desk_message_by_key ON desk_message (staff_id, key);
CREATE INDEX desk_message_by_day ON desk_message (day, service, sent_at);

-- The handling times that a wait is computed from, newest first.
CREATE INDEX ticket_by_handling ON ticket (service, finished_at) WHERE state = 'finished';
