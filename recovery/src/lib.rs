//! firn-recovery
