-- What bills are made of: sums of usage records, and of what began, by UTC day. A row for what was
-- used, not for each use.
CREATE TABLE {p}billing (
    tenant BIGINT NOT NULL,
    -- Days since the Unix epoch.
    day BIGINT NOT NULL,
    -- compute | model | storage: usage records. sessions | agents: that began.
    meter TEXT NOT NULL,
    -- Of the meter `model`: which, by the vendor's word. Else empty.
    model TEXT NOT NULL,
    -- How many records, or how many began.
    number BIGINT NOT NULL,
    -- The cost: whole cents, and what is left in picodollars, less than a cent.
    cents BIGINT NOT NULL,
    rest BIGINT NOT NULL,
    -- Of compute that is billed.
    millis BIGINT NOT NULL,
    -- Calls of models without a price.
    unpriced BIGINT NOT NULL,
    -- Tokens, in buckets that do not overlap.
    input BIGINT NOT NULL,
    cache_read BIGINT NOT NULL,
    cache_write_short BIGINT NOT NULL,
    cache_write_long BIGINT NOT NULL,
    output BIGINT NOT NULL,
    -- What was kept: whole GiB for a second, and what is left in bytes for a second.
    gib_seconds BIGINT NOT NULL,
    byte_seconds BIGINT NOT NULL,
    PRIMARY KEY (tenant, day, meter, model)
){clustered};

-- The same by AgentCo's users, for spans of 1, 4, 16 and 64 days: any range of days is a few spans.
-- Many users are in a row, because they are read all at once.
CREATE TABLE {p}billing_users (
    tenant BIGINT NOT NULL,
    -- How many days.
    span BIGINT NOT NULL,
    -- Which of the spans since the Unix epoch.
    place BIGINT NOT NULL,
    -- Which part of the users: the first byte of the SHA-256 of their names.
    part BIGINT NOT NULL,
    -- A line for each user: usage records, picodollars, sessions and agents that began, user.
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, span, place, part)
);

-- Whose a session is: usage records name the session.
CREATE TABLE {p}billing_sessions (
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
){clustered};
