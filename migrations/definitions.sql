CREATE TABLE {p}definitions (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    name TEXT NOT NULL,
    archived SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}definitions_id ON {p}definitions (tenant, id);
CREATE INDEX {p}definitions_newest ON {p}definitions (tenant, seq);
CREATE INDEX {p}definitions_name ON {p}definitions (tenant, name, seq);
