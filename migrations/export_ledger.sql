-- What has become of each usage record at each biller.
CREATE TABLE {p}export_ledger (
    tenant BIGINT NOT NULL,
    exporter TEXT NOT NULL,
    -- The usage record's.
    id TEXT NOT NULL,
    -- Where the usage record is in the log: its commit's position * 65536 + its event's place.
    place BIGINT NOT NULL,
    -- pending, acknowledged or rejected; and why, unless it is acknowledged.
    status TEXT NOT NULL,
    code TEXT,
    export_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    customer TEXT,
    -- Milliseconds since the Unix epoch.
    used_at BIGINT NOT NULL,
    -- Picodollars.
    cost TEXT NOT NULL,
    -- How often the biller has rejected it.
    rejections BIGINT NOT NULL,
    -- When it was sent for the first time since it was rejected; milliseconds since the Unix epoch.
    sent_at BIGINT NOT NULL,
    -- When its status was last written, and the position of the commit that says so.
    told_at BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (tenant, exporter, id)
){clustered};

CREATE INDEX {p}export_ledger_status ON {p}export_ledger (tenant, exporter, status, place);
CREATE INDEX {p}export_ledger_export ON {p}export_ledger (tenant, export_id, place);
-- What a biller has of a customer in a short time.
CREATE INDEX {p}export_ledger_used ON {p}export_ledger (tenant, exporter, customer, used_at);
