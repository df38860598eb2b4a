CREATE TABLE {p}executions (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    running SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}executions_id ON {p}executions (tenant, id);
-- By agent, a list is a scan of its session: one index less on a table that every exec writes to.
CREATE INDEX {p}executions_session ON {p}executions (tenant, session_id, seq);
-- Intents without an outcome: what is to be settled after a crash.
CREATE INDEX {p}executions_running ON {p}executions (seq) WHERE running = 1;
