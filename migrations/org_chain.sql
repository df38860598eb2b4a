-- Where the rolling hash of each org and mode stands.
CREATE TABLE {p}org_chain_heads (
    tenant {key},
    -- Its last commit.
    position BIGINT NOT NULL,
    -- Its commits so far.
    length BIGINT NOT NULL,
    hash TEXT NOT NULL
);

-- The signed checkpoints.
CREATE TABLE {p}org_chain (
    tenant BIGINT NOT NULL,
    position BIGINT NOT NULL,
    length BIGINT NOT NULL,
    hash TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (tenant, position)
){clustered};
