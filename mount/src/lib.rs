//! firn-mount
