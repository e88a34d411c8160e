//! firn
fn main(){}
