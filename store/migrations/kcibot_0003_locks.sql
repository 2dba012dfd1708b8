-- Locks on environments, the circuit breaker, and who waits for a place.

-- Nothing starts on a locked environment.  Here until_ms, warn_ms, made_ms
-- and ended_ms are on the wall's clock, as people mean them.
CREATE TABLE environment_lock(
    id          INTEGER PRIMARY KEY,
    environment TEXT NOT NULL REFERENCES environment(name),
    owner_id    INTEGER NOT NULL,
    owner       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    pull_id     INTEGER NOT NULL REFERENCES pull(id), -- where it was said
    said_id     INTEGER NOT NULL REFERENCES said(id),
    made_ms     INTEGER NOT NULL,
    warn_ms     INTEGER NOT NULL,             -- 0: warned already
    until_ms    INTEGER NOT NULL,
    ended_ms    INTEGER NOT NULL DEFAULT 0,
    ended_by    TEXT NOT NULL DEFAULT '',     -- '': its time was over
    end_reason  TEXT NOT NULL DEFAULT '',
    -- Does the owner know that it ended?
    told        INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1))
) STRICT;
CREATE INDEX lock_to_tell ON environment_lock(id)
    WHERE ended_ms > 0 AND told = 0;
CREATE UNIQUE INDEX lock_in_force
    ON environment_lock(environment) WHERE ended_ms = 0;

-- Since when the environment is frozen by errors in a row; 0 = it is not.
ALTER TABLE environment ADD COLUMN broken_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE environment ADD COLUMN broken_cycle INTEGER NOT NULL DEFAULT 0;
ALTER TABLE environment ADD COLUMN broken_told INTEGER NOT NULL DEFAULT 0
    CHECK (broken_told IN (0, 1));
-- Why nothing starts (a lock, a window, errors), and until when on the wall's
-- clock, 0 = until somebody ends it; '' = it is not frozen.
ALTER TABLE environment ADD COLUMN frozen_why TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN frozen_until_ms INTEGER NOT NULL DEFAULT 0;

-- Revisions that belong there and found no place in a full batch.
CREATE TABLE bench(
    environment TEXT NOT NULL REFERENCES environment(name),
    pull_id     INTEGER NOT NULL REFERENCES pull(id),
    since_ms    INTEGER NOT NULL,             -- found none since then
    last_ms     INTEGER NOT NULL,             -- and last then
    position    INTEGER NOT NULL,             -- among those that wait, from 1
    cycles      INTEGER NOT NULL,             -- that must end before, from 1
    PRIMARY KEY (environment, pull_id)
) STRICT, WITHOUT ROWID;
