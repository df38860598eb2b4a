//! The SDKs, as their users have them: TypeScript in Node, Python in a virtual environment that the
//! test command has made.

mod document;
mod driver;
mod examples;
mod faults;
mod language;
mod live;
mod package;
mod seeds;
