//! Whole blocks against a store in memory.

mod corruption;
mod disk;
mod model;
mod sharing;
mod support;
mod uploads;
