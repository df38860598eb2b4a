CREATE TABLE {p}agents (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    state TEXT NOT NULL,
    live SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}agents_id ON {p}agents (tenant, id);
CREATE INDEX {p}agents_newest ON {p}agents (tenant, seq);
CREATE INDEX {p}agents_session ON {p}agents (tenant, session_id, seq);
-- Few rows at any time: what workers look at when they start.
CREATE INDEX {p}agents_live ON {p}agents (seq, tenant, provider) WHERE live = 1;
-- An exposed port's address names its agent alone.
CREATE INDEX {p}agents_live_id ON {p}agents (id) WHERE live = 1;
