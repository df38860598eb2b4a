-- The checkpoint of each read model, moved in the transaction that writes its rows.
CREATE TABLE IF NOT EXISTS projections (
    name TEXT PRIMARY KEY,
    -- The hash of the schema's text and of the fold's version.
    schema_hash TEXT NOT NULL,
    -- Every commit up to this one is in the rows.
    position BIGINT NOT NULL
);

-- 1 numbers the shadows, so that no two ever share a name. 2 is the epoch: raised when tables are
-- made or exchanged and when another process begins to project, so that who folded before notices.
CREATE TABLE IF NOT EXISTS generations (
    id BIGINT PRIMARY KEY,
    number BIGINT NOT NULL
);

-- The read models that have stopped, and why: every process is to know.
CREATE TABLE IF NOT EXISTS stopped (
    name TEXT PRIMARY KEY,
    reason TEXT NOT NULL
);

-- A short number for each org and mode: it is in every row and every index. It is the position of
-- the tenant's first commit, so that every replay gives the same one.
CREATE TABLE IF NOT EXISTS tenants (
    number BIGINT PRIMARY KEY,
    org TEXT NOT NULL,
    mode TEXT NOT NULL,
    UNIQUE (org, mode)
);
