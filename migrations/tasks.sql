CREATE TABLE {p}tasks (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    -- queued, running, suspended, completed, failed or cancelled.
    status TEXT NOT NULL,
    -- Whether it has not ended.
    open SMALLINT NOT NULL,
    -- Without the steps: those are in the log.
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}tasks_id ON {p}tasks (tenant, id);
CREATE INDEX {p}tasks_newest ON {p}tasks (tenant, seq);
CREATE INDEX {p}tasks_session ON {p}tasks (tenant, session_id, seq);
-- An agent need not be there yet when its task is, so its session does not tell.
CREATE INDEX {p}tasks_agent ON {p}tasks (tenant, agent_id, seq);
-- Those that have ended are many.
CREATE INDEX {p}tasks_ended ON {p}tasks (tenant, session_id, status, seq) WHERE open = 0;
-- Few rows at any time: what is to be run, of all, of an agent and of a session.
CREATE INDEX {p}tasks_open ON {p}tasks (seq) WHERE open = 1;
CREATE INDEX {p}tasks_open_agent ON {p}tasks (tenant, agent_id, seq) WHERE open = 1;
CREATE INDEX {p}tasks_open_session ON {p}tasks (tenant, session_id, seq) WHERE open = 1;
