//! Streams of tasks and agents: history, live text, and going on anywhere.

mod agents;
mod load;
mod random;
mod run;
mod sse;
mod tasks;
