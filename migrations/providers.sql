CREATE TABLE {p}providers (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}providers_id ON {p}providers (tenant, id);
