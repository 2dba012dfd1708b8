-- Who may say what: reviews that speak, proof of heads, kinds of principals,
-- what people say about a pull, and an audit that is a chain.

-- Comments, reviews and review comments have ids of their own each.
CREATE TABLE said_2(
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN
                ('comment', 'review', 'review_comment', 'cli')),
    comment_id  INTEGER,                      -- NULL: the command line
    repo        TEXT NOT NULL COLLATE NOCASE,
    number      INTEGER NOT NULL CHECK (number > 0),
    actor_id    INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    words       TEXT NOT NULL,                -- JSON: [{"verb","args"}]
    commit_sha  TEXT NOT NULL DEFAULT '',     -- that a review is bound to
    made_ms     INTEGER NOT NULL,             -- on the forge's clock
    received_ms INTEGER NOT NULL,
    source      TEXT NOT NULL CHECK (source IN ('webhook', 'scan', 'cli')),
    state       TEXT NOT NULL CHECK (state IN
                ('checking', 'accepted', 'refused', 'withdrawn')),
    facts       TEXT NOT NULL DEFAULT '{}',   -- JSON: what was asked for it
    edited_ms   INTEGER NOT NULL DEFAULT 0,   -- updated_at when it was heard
    limited     INTEGER NOT NULL DEFAULT 0 CHECK (limited IN (0, 1)),
    answer      TEXT NOT NULL DEFAULT '',
    UNIQUE (kind, comment_id)
) STRICT;
INSERT INTO said_2(id, kind, comment_id, repo, number, actor_id, actor, words,
                   made_ms, received_ms, source, state, answer)
    SELECT id, iif(comment_id IS NULL, 'cli', 'comment'), comment_id, repo,
           number, actor_id, actor, words, made_ms, received_ms, source,
           state, answer FROM said;
DROP TABLE said;
ALTER TABLE said_2 RENAME TO said;
CREATE INDEX said_on_pull ON said(repo, number, actor_id);
CREATE INDEX said_by_actor ON said(actor_id, received_ms);

-- What was edited or deleted before it was heard, so that it does not run when
-- the delivery that tells of its making comes late.
CREATE TABLE taken_back(
    kind       TEXT NOT NULL CHECK (kind IN
               ('comment', 'review', 'review_comment')),
    comment_id INTEGER NOT NULL,
    how        TEXT NOT NULL CHECK (how IN ('edited', 'dismissed', 'deleted')),
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (kind, comment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX taken_back_by_time ON taken_back(at_ms);

-- Reviews in the scan: none older is acted on (0 = not scanned yet), how far
-- the comments on code were read, and what of a pull was looked through.
ALTER TABLE scan ADD COLUMN reviews_from_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scan ADD COLUMN review_comments_since TEXT NOT NULL DEFAULT '';
ALTER TABLE pull ADD COLUMN reviews_ms INTEGER NOT NULL DEFAULT 0;

-- A wish by people: in which role, and whether against the interval; until
-- when it permits its revision, and what ended that before ('moved',
-- 'closed', 'base', 'granter').
ALTER TABLE request ADD COLUMN role TEXT NOT NULL DEFAULT 'maintainer';
ALTER TABLE request ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN void_why TEXT NOT NULL DEFAULT '';
UPDATE request SET until_ms = made_ms + 604800000
    WHERE origin IN ('comment', 'cli');
CREATE INDEX request_permits ON request(environment, until_ms)
    WHERE voided = 0 AND origin IN ('comment', 'cli');
ALTER TABLE request ADD COLUMN forced INTEGER NOT NULL DEFAULT 0
    CHECK (forced IN (0, 1));
ALTER TABLE request ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- Whether it is the head that a webhook told the pull to be opened with.
ALTER TABLE head ADD COLUMN opened INTEGER NOT NULL DEFAULT 0
    CHECK (opened IN (0, 1));
-- When the forge itself showed a head again, where that was in doubt.
CREATE TABLE head_confirmed(
    head_id INTEGER NOT NULL REFERENCES head(id),
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (head_id, seen_ms)
) STRICT, WITHOUT ROWID;
-- Times in which deliveries may have been lost; repo '' = all.
CREATE TABLE gap(
    id      INTEGER PRIMARY KEY,
    repo    TEXT NOT NULL COLLATE NOCASE,
    from_ms INTEGER NOT NULL,
    to_ms   INTEGER NOT NULL,
    why     TEXT NOT NULL
) STRICT;
CREATE INDEX gap_by_repo ON gap(repo, to_ms);

ALTER TABLE principal ADD COLUMN kind TEXT NOT NULL DEFAULT 'user'
    CHECK (kind IN ('user', 'org', 'app'));
CREATE INDEX principal_org ON principal(id) WHERE kind = 'org';
-- May the code of this principal be deployed unasked?
ALTER TABLE trust ADD COLUMN unasked INTEGER NOT NULL DEFAULT 1
    CHECK (unasked IN (0, 1));
-- Every login that an account was ever seen with: a login can change hands.
CREATE TABLE login(
    login        TEXT NOT NULL COLLATE NOCASE,
    principal_id INTEGER NOT NULL REFERENCES principal(id),
    first_ms     INTEGER NOT NULL,
    PRIMARY KEY (login, principal_id)
) STRICT, WITHOUT ROWID;
INSERT INTO login(login, principal_id, first_ms)
    SELECT login, id, seen_ms FROM principal;
-- What the forge said of who belongs to an organisation, and when.
CREATE TABLE member(
    org_id    INTEGER NOT NULL REFERENCES principal(id),
    user_id   INTEGER NOT NULL,
    is_member INTEGER NOT NULL CHECK (is_member IN (0, 1)),
    asked_ms  INTEGER NOT NULL,
    PRIMARY KEY (org_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_user ON member(user_id);
-- Who holds which grant, themselves (org_id 0) or as a member; who reads it
-- looks at the expiry, and at the age of what was said of a membership.
CREATE VIEW holds AS
    SELECT p.id AS user_id, p.kind, t.role, t.scope, t.unasked, t.expires_ms,
           0 AS org_id, 0 AS asked_ms
    FROM trust t JOIN principal p ON p.id = t.principal_id
    WHERE t.revoked_ms = 0 AND p.kind <> 'org'
    UNION ALL
    SELECT m.user_id, 'user', t.role, t.scope, t.unasked, t.expires_ms,
           m.org_id, m.asked_ms
    FROM trust t JOIN principal p ON p.id = t.principal_id
    JOIN member m ON m.org_id = p.id
    WHERE t.revoked_ms = 0 AND p.kind = 'org' AND m.is_member = 1;
-- And of what somebody may do in a repository.
CREATE TABLE permission(
    repo       TEXT NOT NULL COLLATE NOCASE,
    user_id    INTEGER NOT NULL,
    permission TEXT NOT NULL,
    asked_ms   INTEGER NOT NULL,
    PRIMARY KEY (repo, user_id)
) STRICT, WITHOUT ROWID;

-- What people said about a pull, beside wishes for a deploy.
ALTER TABLE pull ADD COLUMN verbosity TEXT NOT NULL DEFAULT 'normal'
    CHECK (verbosity IN ('quiet', 'normal', 'verbose'));
ALTER TABLE pull ADD COLUMN skipped_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pull ADD COLUMN skipped_by TEXT NOT NULL DEFAULT '';
ALTER TABLE pull ADD COLUMN skip_reason TEXT NOT NULL DEFAULT '';
-- The newest outcome on an environment that a comment has told.
CREATE TABLE told(
    pull_id     INTEGER NOT NULL REFERENCES pull(id),
    environment TEXT NOT NULL REFERENCES environment(name),
    cycle_id    INTEGER NOT NULL,
    PRIMARY KEY (pull_id, environment)
) STRICT, WITHOUT ROWID;
-- The answer to its author's last question, for the sticky comment.
ALTER TABLE pull ADD COLUMN answer TEXT NOT NULL DEFAULT '';
ALTER TABLE pull ADD COLUMN answer_ms INTEGER NOT NULL DEFAULT 0;

-- The paths that a revision changes on the way to a branch, as git said.
CREATE TABLE revision_paths(
    pull_id  INTEGER NOT NULL REFERENCES pull(id),
    sha      TEXT NOT NULL,
    base_ref TEXT NOT NULL,                   -- that it would be merged onto
    paths    TEXT NOT NULL,                   -- JSON array; '' = too many
    PRIMARY KEY (pull_id, sha, base_ref)
) STRICT, WITHOUT ROWID;

-- Where a status led, and when ours was (or will be) written once more over
-- somebody else's; 0 = never.
ALTER TABLE status ADD COLUMN target_url TEXT NOT NULL DEFAULT '';
ALTER TABLE status ADD COLUMN repaired_ms INTEGER NOT NULL DEFAULT 0;

-- An author's word against a verdict.
CREATE TABLE dispute(
    id          INTEGER PRIMARY KEY,
    pull_id     INTEGER NOT NULL REFERENCES pull(id),
    sha         TEXT NOT NULL,
    environment TEXT NOT NULL REFERENCES environment(name),
    cycle_id    INTEGER NOT NULL REFERENCES cycle(id),
    actor_id    INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    made_ms     INTEGER NOT NULL,
    UNIQUE (pull_id, sha, environment, actor_id)
) STRICT;

-- An audit that is a chain (store/audit.h): the hash of an entry covers it
-- and the hash before.  NULL: from before there was a chain.
ALTER TABLE audit ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN prev BLOB
    CHECK (prev IS NULL OR length(prev) = 32);
ALTER TABLE audit ADD COLUMN hash BLOB
    CHECK (hash IS NULL OR length(hash) = 32);
-- "INSERT OR REPLACE" asks neither of the other two triggers.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN NEW.id <= (SELECT max(id) FROM audit)
    BEGIN SELECT raise(ABORT, 'audit is append-only'); END;
