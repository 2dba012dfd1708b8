-- Jobs that give what runs its time to end, before a stage replaces it.

ALTER TABLE job ADD COLUMN class TEXT NOT NULL DEFAULT '' CHECK (class IN
    ('', 'code', 'prepare', 'drain', 'state'));
-- What a drain job left running; -1 = not known, or no drain job.
ALTER TABLE job ADD COLUMN running INTEGER NOT NULL DEFAULT -1;
-- When a drain job is forced at the latest, and when while it counts something
-- that may be of the last full cycle; 0 = no drain job, the same.
ALTER TABLE job ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN full_until_ms INTEGER NOT NULL DEFAULT 0;
