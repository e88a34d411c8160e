//! firn-materializer
