-- What guests of a visit's call write: between the lines of citizen and clerk, whose serials it shares.
-- table visit_guest_message: owner=up retention=operations
CREATE TABLE visit_guest_message (
  id TEXT NOT NULL PRIMARY KEY,
  visit_id TEXT NOT NULL,
  serial INTEGER NOT NULL,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  text TEXT NOT NULL,
  sent_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX visit_guest_message_by_serial ON visit_guest_message (visit_id, serial);
CREATE UNIQUE INDEX visit_guest_message_by_key ON visit_guest_message (visit_id, key);
