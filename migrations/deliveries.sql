CREATE TABLE {p}deliveries (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    task_id TEXT NOT NULL,
    pending SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}deliveries_id ON {p}deliveries (tenant, id);
CREATE INDEX {p}deliveries_task ON {p}deliveries (tenant, task_id, seq);
-- What is still to be told.
CREATE INDEX {p}deliveries_pending ON {p}deliveries (seq) WHERE pending = 1;
