//! firn-blocks
