-- What kcibot remembers.  All times are milliseconds since 1970 UTC on the
-- engine's clock; 0 in a *_ms column means never.  Shipped migrations are
-- never edited: a change is a new file.

-- Single values: when the bot first started here, its user on the forge.
CREATE TABLE meta(
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the engine has read the journal (inbox.db), in the same transaction
-- as what it read led to.
CREATE TABLE cursor(
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    journal_id TEXT NOT NULL CHECK (length(journal_id) = 32),
    seq        INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;

-- Every delivery handled; the body hash catches a replay under a new GUID,
-- which no signature covers.
CREATE TABLE delivery(
    seq       INTEGER PRIMARY KEY,
    guid      TEXT NOT NULL,
    event     TEXT NOT NULL,
    action    TEXT NOT NULL,
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    at_ms     INTEGER NOT NULL,
    result    TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_by_hash ON delivery(body_hash);

CREATE TABLE pull(
    id          INTEGER PRIMARY KEY,
    repo        TEXT NOT NULL COLLATE NOCASE,
    number      INTEGER NOT NULL CHECK (number > 0),
    title       TEXT NOT NULL,
    author_id   INTEGER NOT NULL,             -- 0: a deleted account
    author      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'closed', 'merged')),
    draft       INTEGER NOT NULL CHECK (draft IN (0, 1)),
    base_ref    TEXT NOT NULL,
    head_sha    TEXT NOT NULL CHECK (length(head_sha) IN (40, 64)),
    labels      TEXT NOT NULL,                -- JSON array of names
    active_ms   INTEGER NOT NULL,             -- last push or command
    updated_ms  INTEGER NOT NULL,             -- updated_at of the forge
    UNIQUE (repo, number)
) STRICT;

-- The timeline of heads: each becoming head is an entry, also when an older
-- SHA becomes head again.
CREATE TABLE head(
    id      INTEGER PRIMARY KEY,
    pull_id INTEGER NOT NULL REFERENCES pull(id),
    sha     TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    source  TEXT NOT NULL CHECK (source IN ('webhook', 'api'))
) STRICT;
CREATE INDEX head_by_pull ON head(pull_id, id);

-- People, keyed by the forge's numeric user id; a login is only its name.
CREATE TABLE principal(
    id      INTEGER PRIMARY KEY CHECK (id > 0),
    login   TEXT NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE trust(
    id           INTEGER PRIMARY KEY,
    principal_id INTEGER NOT NULL REFERENCES principal(id),
    role         TEXT NOT NULL
                 CHECK (role IN ('admin', 'maintainer', 'contributor')),
    scope        TEXT NOT NULL COLLATE NOCASE, -- '' everywhere, or a repo
    granted_ms   INTEGER NOT NULL,
    granted_by   TEXT NOT NULL,
    reason       TEXT NOT NULL,
    expires_ms   INTEGER NOT NULL DEFAULT 0,
    revoked_ms   INTEGER NOT NULL DEFAULT 0,
    revoked_by   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX trust_in_force
    ON trust(principal_id, scope) WHERE revoked_ms = 0;

-- A comment (or call of the command line) that spoke to the bot, whatever
-- came of it.  Kept for ever: no comment is ever executed twice.
CREATE TABLE said(
    id          INTEGER PRIMARY KEY,
    comment_id  INTEGER UNIQUE,               -- NULL: the command line
    repo        TEXT NOT NULL COLLATE NOCASE,
    number      INTEGER NOT NULL CHECK (number > 0),
    actor_id    INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    words       TEXT NOT NULL,                -- JSON: [{"verb","args"}]
    made_ms     INTEGER NOT NULL,             -- created_at of the comment
    received_ms INTEGER NOT NULL,
    source      TEXT NOT NULL CHECK (source IN ('webhook', 'scan', 'cli')),
    state       TEXT NOT NULL
                CHECK (state IN ('checking', 'accepted', 'refused')),
    answer      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX said_on_pull ON said(repo, number, actor_id);

-- An environment's own memory.
CREATE TABLE environment(
    name             TEXT PRIMARY KEY,
    deployed_cycle   INTEGER NOT NULL DEFAULT 0, -- last green
    last_finish_ms   INTEGER NOT NULL DEFAULT 0,
    last_full_ms     INTEGER NOT NULL DEFAULT 0, -- end of the last that counts
    schedule_from_ms INTEGER NOT NULL,
    errors_in_row    INTEGER NOT NULL DEFAULT 0, -- verdicts error, in a row
    -- What the timing policy last said, for people:
    wait_why         TEXT NOT NULL DEFAULT '',
    wait_until_ms    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE cycle(
    id          INTEGER PRIMARY KEY,
    environment TEXT NOT NULL REFERENCES environment(name),
    kind        TEXT NOT NULL CHECK (kind IN ('short', 'full')),
    state       TEXT NOT NULL CHECK (state IN
                ('merging', 'pushing', 'running', 'stopping', 'finished')),
    stage       INTEGER NOT NULL DEFAULT 0,   -- index of the running stage
    stages      TEXT NOT NULL,                -- JSON array of names, frozen
    scheduled   INTEGER NOT NULL DEFAULT 0 CHECK (scheduled IN (0, 1)),
    restarts    INTEGER NOT NULL DEFAULT 0,
    restart_as  TEXT NOT NULL DEFAULT '' CHECK (restart_as IN
                ('', 'short', 'full')),       -- while stopping: what follows
    batches     INTEGER NOT NULL DEFAULT 0,   -- how often it was merged
    content     TEXT NOT NULL DEFAULT '',     -- hash of the manifest's input
    verdict     TEXT NOT NULL DEFAULT '' CHECK (verdict IN
                ('', 'success', 'failure', 'error', 'cancelled',
                 'inconclusive')),
    reason_code TEXT NOT NULL DEFAULT '',
    text        TEXT NOT NULL DEFAULT '',
    tag         TEXT NOT NULL DEFAULT '',
    started_ms  INTEGER NOT NULL,
    finished_ms INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'finished') = (verdict <> ''))
) STRICT;
-- One cycle per environment at a time.
CREATE UNIQUE INDEX cycle_running
    ON cycle(environment) WHERE state <> 'finished';

CREATE TABLE request(
    id          INTEGER PRIMARY KEY,
    environment TEXT NOT NULL REFERENCES environment(name),
    kind        TEXT NOT NULL CHECK (kind IN ('auto', 'short', 'full')),
    origin      TEXT NOT NULL CHECK (origin IN
                ('comment', 'cli', 'push', 'label', 'state', 'base')),
    pull_id     INTEGER REFERENCES pull(id),  -- NULL: a base branch moved
    sha         TEXT NOT NULL DEFAULT '',     -- the revision it speaks of
    base_ref    TEXT NOT NULL DEFAULT '',
    actor_id    INTEGER NOT NULL DEFAULT 0,
    actor       TEXT NOT NULL DEFAULT '',
    said_id     INTEGER REFERENCES said(id),
    made_ms     INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN
                ('waiting', 'booked', 'running', 'done', 'dropped')),
    cycle_id    INTEGER REFERENCES cycle(id),
    outcome     TEXT NOT NULL DEFAULT '',
    announced   INTEGER NOT NULL DEFAULT 0 CHECK (announced IN (0, 1)),
    -- A push, another base or closing came after it: whatever became of the
    -- deploy, the permission for this revision is over.
    voided      INTEGER NOT NULL DEFAULT 0 CHECK (voided IN (0, 1))
) STRICT;
CREATE INDEX request_to_announce ON request(id)
    WHERE announced = 0 AND state IN ('done', 'dropped');
CREATE INDEX request_open ON request(environment, state)
    WHERE state IN ('waiting', 'booked', 'running');
CREATE INDEX request_by_pull ON request(pull_id, sha);

-- The manifest of a cycle: what was merged onto what.
CREATE TABLE manifest(
    cycle_id INTEGER NOT NULL REFERENCES cycle(id),
    position INTEGER NOT NULL,
    repo     TEXT NOT NULL COLLATE NOCASE,
    base     TEXT NOT NULL,
    branch   TEXT NOT NULL,
    base_sha TEXT NOT NULL DEFAULT '',
    old_sha  TEXT NOT NULL DEFAULT '',        -- the staging branch before
    sha      TEXT NOT NULL DEFAULT '',        -- and after
    PRIMARY KEY (cycle_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE revision(
    cycle_id INTEGER NOT NULL REFERENCES cycle(id),
    position INTEGER NOT NULL,
    pull_id  INTEGER NOT NULL REFERENCES pull(id),
    repo     TEXT NOT NULL COLLATE NOCASE,
    number   INTEGER NOT NULL,
    sha      TEXT NOT NULL,
    title    TEXT NOT NULL,
    author   TEXT NOT NULL,
    result   TEXT NOT NULL DEFAULT '' CHECK (result IN
             ('', 'merged', 'conflict', 'moved', 'missing', 'unrelated',
              'merged_already', 'left_out')),
    reason   TEXT NOT NULL DEFAULT '',
    is_new   INTEGER NOT NULL CHECK (is_new IN (0, 1)), -- not in last green
    paths    TEXT NOT NULL DEFAULT '',        -- JSON array; '' = too many
    PRIMARY KEY (cycle_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX revision_by_pull ON revision(pull_id, cycle_id);

CREATE TABLE job(
    id          INTEGER PRIMARY KEY,
    cycle_id    INTEGER NOT NULL REFERENCES cycle(id),
    stage       TEXT NOT NULL,
    name        TEXT NOT NULL,
    key         TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL CHECK (state IN
                ('running', 'finished', 'skipped')),
    verdict     TEXT NOT NULL DEFAULT '',
    reason_code TEXT NOT NULL DEFAULT '',
    text        TEXT NOT NULL DEFAULT '',
    exit_code   INTEGER NOT NULL DEFAULT 0,
    tail        TEXT NOT NULL DEFAULT '',
    started_ms  INTEGER NOT NULL DEFAULT 0,
    finished_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_by_cycle ON job(cycle_id);

-- What is known of one revision on one environment.
CREATE TABLE result(
    pull_id       INTEGER NOT NULL REFERENCES pull(id),
    sha           TEXT NOT NULL,
    environment   TEXT NOT NULL REFERENCES environment(name),
    outcome       TEXT NOT NULL DEFAULT '' CHECK (outcome IN
                  ('', 'success', 'failure', 'error')),
    cycle_id      INTEGER NOT NULL DEFAULT 0, -- that the outcome is from
    short_ok_ms   INTEGER NOT NULL DEFAULT 0,
    full_ok_ms    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (pull_id, sha, environment)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine(
    id          INTEGER PRIMARY KEY,
    pull_id     INTEGER NOT NULL REFERENCES pull(id),
    sha         TEXT NOT NULL,
    environment TEXT NOT NULL REFERENCES environment(name),
    cycle_id    INTEGER NOT NULL REFERENCES cycle(id),
    reason      TEXT NOT NULL,
    since_ms    INTEGER NOT NULL,
    lifted_ms   INTEGER NOT NULL DEFAULT 0,
    lifted_by   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX quarantine_in_force
    ON quarantine(pull_id, sha, environment) WHERE lifted_ms = 0;

-- The comments that we own: the sticky of a pull and environment, and the
-- one reply comment ('reply').
CREATE TABLE posted(
    pull_id     INTEGER NOT NULL REFERENCES pull(id),
    slot        TEXT NOT NULL,                -- environment, or 'reply'
    comment_id  INTEGER NOT NULL DEFAULT 0,
    body_hash   TEXT NOT NULL DEFAULT '',     -- of what was last wanted
    PRIMARY KEY (pull_id, slot)
) STRICT, WITHOUT ROWID;

-- The commit statuses that we set last, so that equal ones are not repeated.
CREATE TABLE status(
    repo        TEXT NOT NULL COLLATE NOCASE,
    sha         TEXT NOT NULL,
    context     TEXT NOT NULL,
    state       TEXT NOT NULL
                CHECK (state IN ('pending', 'success', 'failure', 'error')),
    description TEXT NOT NULL,
    PRIMARY KEY (repo, sha, context)
) STRICT, WITHOUT ROWID;

-- Effects on the outside world, wanted in the same transaction as the reason
-- for them.  Effects on one target run strictly in order.
CREATE TABLE outbox(
    id            INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL,
    target        TEXT NOT NULL,              -- '' = no order
    key           TEXT NOT NULL,
    args          TEXT NOT NULL,              -- JSON object
    state         TEXT NOT NULL CHECK (state IN
                  ('ready', 'done', 'failed', 'replaced')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    unknown       INTEGER NOT NULL DEFAULT 0 CHECK (unknown IN (0, 1)),
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    made_ms       INTEGER NOT NULL,
    ended_ms      INTEGER NOT NULL DEFAULT 0,
    error         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX outbox_ready ON outbox(target, id) WHERE state = 'ready';

-- The reconciling scan of a repository.
CREATE TABLE scan(
    repo           TEXT PRIMARY KEY COLLATE NOCASE,
    first_ms       INTEGER NOT NULL,          -- nothing older is acted on
    comments_since TEXT NOT NULL,             -- ISO time, high-water mark
    last_ms        INTEGER NOT NULL DEFAULT 0,
    pulls_known    INTEGER NOT NULL DEFAULT 0 CHECK (pulls_known IN (0, 1)),
    hook           TEXT NOT NULL DEFAULT ''   -- 'ok', 'none', 'no right', ''
) STRICT, WITHOUT ROWID;

CREATE TABLE audit(
    id       INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    actor    TEXT NOT NULL,                   -- "login (id)", "kcibot", ...
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    why      TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT raise(ABORT, 'audit is append-only'); END;
