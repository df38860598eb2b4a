//! The log and the bus on NATS.
