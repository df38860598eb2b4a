CREATE TABLE {p}api_keys (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    digest TEXT NOT NULL,
    revoked SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}api_keys_id ON {p}api_keys (tenant, id);
CREATE INDEX {p}api_keys_newest ON {p}api_keys (tenant, seq);
CREATE INDEX {p}api_keys_digest ON {p}api_keys (digest) WHERE revoked = 0;
