//! firn-control
