-- Whose a Yjs client id is: nobody else may write under it. Beside the log and not in it, for
-- merging the log forgets who wrote what.
-- table draft_writer: owner=local retention=operations
CREATE TABLE draft_writer (
  draft_id TEXT NOT NULL,
  audience TEXT NOT NULL CHECK (audience IN ('shared', 'office')),
  client INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  PRIMARY KEY (draft_id, audience, client)
) STRICT;
