CREATE TABLE {p}secrets (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    session_id TEXT,
    deleted SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}secrets_id ON {p}secrets (tenant, id);
CREATE INDEX {p}secrets_newest ON {p}secrets (tenant, seq);
