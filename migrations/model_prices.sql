CREATE TABLE {p}model_prices (
    seq {seq},
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE UNIQUE INDEX {p}model_prices_id ON {p}model_prices (tenant, id);
