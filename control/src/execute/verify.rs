use crate::answer::{Failure, Sink};
use crate::execute::Target;
use crate::rows::VerifyResult;
pub(super) async fn verify(_target: &Target, _sink: &Sink) -> Result<VerifyResult, Failure> { Err(Failure::failed("not here yet")) }
