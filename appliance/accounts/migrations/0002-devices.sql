-- Which of a visit's devices a citizen's session is: it stays when the session is resumed under a
-- new secret. Empty in sessions that began before.
ALTER TABLE citizen_session ADD COLUMN device TEXT NOT NULL DEFAULT '';
