-- Who holds draft_tail back is asked for many times a second while people type.
CREATE INDEX draft_in_tail_by_first_seq ON draft_in_tail (first_seq);
