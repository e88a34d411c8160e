//! firn-journal
