CREATE TABLE {p}file_operations (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    running SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}file_operations_id ON {p}file_operations (tenant, id);
-- Intents without an outcome: what is to be settled after a crash.
CREATE INDEX {p}file_operations_running ON {p}file_operations (seq) WHERE running = 1;
