-- Cycles that are cancelled while they run, put back, or done again.

-- 'rollback' puts the last green manifest back after of_cycle was cancelled;
-- 'retry' does of_cycle again.
ALTER TABLE cycle ADD COLUMN purpose TEXT NOT NULL DEFAULT '' CHECK
    (purpose IN ('', 'rollback', 'retry'));
ALTER TABLE cycle ADD COLUMN of_cycle INTEGER NOT NULL DEFAULT 0;
-- The number that its jobs know it by; 0 = its id.  Of a cycle whose build
-- stands it is that one's.
ALTER TABLE cycle ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
-- A retry begins there, the stages before are kept; and why it keeps none.
ALTER TABLE cycle ADD COLUMN first_stage INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cycle ADD COLUMN whole_why TEXT NOT NULL DEFAULT '';
-- Hash of the jobs that its recipe had when it began.
ALTER TABLE cycle ADD COLUMN recipe TEXT NOT NULL DEFAULT '';
-- Did the staging branches move, or may they have?
ALTER TABLE cycle ADD COLUMN moved INTEGER NOT NULL DEFAULT 0 CHECK
    (moved IN (0, 1));
UPDATE cycle SET moved = 1 WHERE batches > 0 AND state <> 'merging'
    AND reason_code <> 'nothing_new';
-- Stopped while its push was under way: the answer is waited for.
ALTER TABLE cycle ADD COLUMN awaits_push INTEGER NOT NULL DEFAULT 0 CHECK
    (awaits_push IN (0, 1));
-- Login of who cancelled it.
ALTER TABLE cycle ADD COLUMN cancelled_by TEXT NOT NULL DEFAULT '';
CREATE INDEX cycle_put_right ON cycle(of_cycle) WHERE of_cycle > 0;

-- The cycle that is asked for again; 0 = none.
ALTER TABLE request ADD COLUMN retry_of INTEGER NOT NULL DEFAULT 0;
