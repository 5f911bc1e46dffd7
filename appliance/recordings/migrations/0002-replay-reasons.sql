-- Why a recording was watched, in the words of who watched it.
ALTER TABLE recording_replay ADD COLUMN reason TEXT NOT NULL DEFAULT '';
