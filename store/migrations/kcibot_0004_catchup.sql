-- Deliveries that the forge could not hand over.

-- How far its list of them was looked through, on its clock; 0 = never, and
-- the first look takes note only.
ALTER TABLE scan ADD COLUMN deliveries_ms INTEGER NOT NULL DEFAULT 0;

CREATE TABLE missed(
    guid        TEXT PRIMARY KEY,
    repo        TEXT NOT NULL COLLATE NOCASE,
    delivery_id INTEGER NOT NULL,             -- the newest attempt that failed
    failed_ms   INTEGER NOT NULL,             -- the first, on the forge's clock
    -- It takes back what another one says, so it is wanted before that.
    takes_back  INTEGER NOT NULL CHECK (takes_back IN (0, 1)),
    tries       INTEGER NOT NULL DEFAULT 0,   -- that we asked for
    next_ms     INTEGER NOT NULL,             -- 0: it came, or was given up
    noted_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX missed_to_ask ON missed(repo, next_ms) WHERE next_ms > 0;
