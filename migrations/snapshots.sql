CREATE TABLE {p}snapshots (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    deleted SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}snapshots_id ON {p}snapshots (tenant, id);
CREATE INDEX {p}snapshots_newest ON {p}snapshots (tenant, seq);
-- Whoever's it is: for a host that has its files.
CREATE INDEX {p}snapshots_any ON {p}snapshots (id, seq);
CREATE INDEX {p}snapshots_session ON {p}snapshots (tenant, session_id, seq);
