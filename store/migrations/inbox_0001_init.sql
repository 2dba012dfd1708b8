-- The journal of deliveries, one row for each that was acknowledged.  All
-- times are milliseconds since 1970 UTC.  Shipped migrations are never
-- edited: a change is a new file.

-- Who this file is.  kcibot.db remembers the id beside its cursor, so that a
-- journal that was replaced is noticed.
CREATE TABLE meta(
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    journal_id TEXT NOT NULL CHECK (length(journal_id) = 32 AND
                                    journal_id NOT GLOB '*[^0-9a-f]*'),
    probed_ms  INTEGER NOT NULL DEFAULT 0   -- the last test of the disk
) STRICT;
INSERT INTO meta(one, journal_id) VALUES(1, lower(hex(randomblob(16))));

-- A cursor must never see a number again, so pruning keeps the last row.
-- (AUTOINCREMENT would cost one more page in every commit.)
CREATE TABLE delivery(
    seq         INTEGER PRIMARY KEY,
    guid        TEXT NOT NULL UNIQUE CHECK (length(guid) BETWEEN 1 AND 128),
    event       TEXT NOT NULL CHECK (length(event) BETWEEN 1 AND 128),
    received_ms INTEGER NOT NULL,
    size        INTEGER NOT NULL CHECK (size >= 0), -- of the raw body
    packed      INTEGER NOT NULL CHECK (packed IN (0, 1)), -- zlib
    body        BLOB,                       -- NULL: pruned
    CHECK (packed OR body IS NULL OR length(body) = size)
) STRICT;
