-- What the people of a visit write to each other. It goes up with the visit it belongs to: what was
-- agreed in it must outlive the box. serial counts within a visit, so that a page asks for what it
-- has not got; a key makes sending again harmless.
-- table visit_message: owner=up retention=operations
CREATE TABLE visit_message (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  serial INTEGER NOT NULL,
  author TEXT NOT NULL CHECK (author IN ('citizen', 'clerk')),
  key TEXT NOT NULL,
  text TEXT NOT NULL,
  sent_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX visit_message_by_serial ON visit_message (visit_id, serial);
CREATE UNIQUE INDEX visit_message_by_key ON visit_message (visit_id, author, key);
