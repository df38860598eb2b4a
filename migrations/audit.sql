-- One row per event. The hottest table: every index here is paid for by every command.
CREATE TABLE {p}audit (
    -- The commit's position * 65536 + the event's place in it.
    seq {seq},
    tenant BIGINT NOT NULL,
    -- Milliseconds since the Unix epoch.
    time BIGINT NOT NULL,
    actor TEXT NOT NULL,
    event_type TEXT NOT NULL,
    stream_key TEXT NOT NULL,
    session_id TEXT,
    agent_id TEXT,
    user_id TEXT,
    task_id TEXT,
    request_id TEXT,
    commit_id TEXT NOT NULL,
    -- The event's data, without ciphertexts and hashes.
    body TEXT NOT NULL
);

-- With the time, so that a range of times is cut out without a look at the rows.
CREATE INDEX {p}audit_newest ON {p}audit (tenant, seq, time);
-- By agent, a list is a scan of its session.
CREATE INDEX {p}audit_session ON {p}audit (tenant, session_id, seq) WHERE session_id IS NOT NULL;
-- A task's events are a few of its session's many; and the first of them tells whose all are.
CREATE INDEX {p}audit_task ON {p}audit (tenant, task_id, seq) WHERE task_id IS NOT NULL;

-- What an agent, a snapshot or a delivery belongs to, for events that name only their own stream.
-- (A session's user is in its first event, and so is what a task belongs to.)
CREATE TABLE {p}audit_subjects (
    tenant BIGINT NOT NULL,
    id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    agent_id TEXT,
    user_id TEXT,
    task_id TEXT,
    PRIMARY KEY (tenant, id)
){clustered};
