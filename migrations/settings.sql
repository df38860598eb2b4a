CREATE TABLE {p}settings (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}settings_id ON {p}settings (tenant, id);
