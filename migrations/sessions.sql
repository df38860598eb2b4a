CREATE TABLE {p}sessions (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    -- Whether it has agents that were admitted and not released.
    holds_agents SMALLINT NOT NULL,
    -- Whether something is kept for it, or was in a day that is not billed yet.
    stores SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}sessions_id ON {p}sessions (tenant, id);
CREATE INDEX {p}sessions_newest ON {p}sessions (tenant, seq);
CREATE INDEX {p}sessions_user ON {p}sessions (tenant, user_id, seq);
-- What a worker checks for admissions and endings that a crash cut short.
CREATE INDEX {p}sessions_holding ON {p}sessions (seq) WHERE holds_agents = 1;
-- What the meter bills every day.
CREATE INDEX {p}sessions_storing ON {p}sessions (seq) WHERE stores = 1;
