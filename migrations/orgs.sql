CREATE TABLE {p}orgs (
    seq {key},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}orgs_id ON {p}orgs (tenant, id);
CREATE INDEX {p}orgs_name ON {p}orgs (name);
-- By its id alone: the modes share an org.
CREATE INDEX {p}orgs_any ON {p}orgs (id);
