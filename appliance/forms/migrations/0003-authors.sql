-- What draft_field leaves out: who else wrote in a text, and whose value gave way to the one that
-- stands. Local, as the documents are: it quotes them.
-- table draft_field_past: owner=local retention=operations
CREATE TABLE draft_field_past (
  draft_id TEXT NOT NULL,
  audience TEXT NOT NULL CHECK (audience IN ('shared', 'office')),
  path TEXT NOT NULL,
  others TEXT NOT NULL,
  previous TEXT,
  PRIMARY KEY (draft_id, audience, path)
) STRICT;
