CREATE TABLE {p}exports (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    exporter TEXT NOT NULL,
    running SMALLINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}exports_id ON {p}exports (tenant, id);
CREATE INDEX {p}exports_newest ON {p}exports (tenant, exporter, seq);
-- Those that are to be carried on.
CREATE INDEX {p}exports_running ON {p}exports (seq) WHERE running = 1;
