# `just check` is what CI runs.
check:
    scripts/test

# The server, from a bare machine.
up *ARGS:
    scripts/up {{ARGS}}

# Some tests, by nextest's filter.
test *FILTER:
    scripts/test {{FILTER}}

# Speed, as ratios within one run.
bench *ARGS="all":
    cargo build --release --workspace --locked
    target/release/theazo-bench {{ARGS}}
