-- The newest updates of all documents, one behind the other in the order of their commits: a commit
-- of many drafts writes one or two pages at the end, where draft_update takes the row of each draft
-- to a place of its own. What draft_update has of a document up to some serial is dead here, and
-- rows go from the front only. Whoever erases a draft deletes it here, too.
-- table draft_tail: owner=local retention=operations
CREATE TABLE draft_tail (
  seq INTEGER PRIMARY KEY,
  draft_id TEXT NOT NULL,
  audience TEXT NOT NULL CHECK (audience IN ('shared', 'office')),
  serial INTEGER NOT NULL,
  data BLOB NOT NULL,
  actor TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- Which documents have living rows there, none of them before `first_seq`. A release that does not
-- know the two finds them empty when the one before it was closed in order.
-- table draft_in_tail: owner=local retention=operations
CREATE TABLE draft_in_tail (
  draft_id TEXT NOT NULL,
  audience TEXT NOT NULL CHECK (audience IN ('shared', 'office')),
  first_seq INTEGER NOT NULL,
  PRIMARY KEY (draft_id, audience)
) STRICT, WITHOUT ROWID;
