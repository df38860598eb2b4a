CREATE TABLE {p}deliveries (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    -- NULL: it tells of a limit.
    task_id TEXT,
    pending SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}deliveries_id ON {p}deliveries (tenant, id);
CREATE INDEX {p}deliveries_task ON {p}deliveries (tenant, task_id, seq);
CREATE INDEX {p}deliveries_limits ON {p}deliveries (tenant, session_id, seq) WHERE task_id IS NULL;
-- What is still to be told.
CREATE INDEX {p}deliveries_pending ON {p}deliveries (seq) WHERE pending = 1;
