//! `firn init`

use firn_clock::{Clock, Entropy, OsEntropy, SystemClock};
use firn_control::{Failure, shell_word};
use firn_journal::VolumeId;
use firn_store::{Manifest, VolumeUrl};

use crate::arguments::Init;
use crate::commands::Outcome;
use crate::output::Output;
use crate::show;

/// Makes a volume.
pub async fn init(init: &Init, out: &mut Output) -> Outcome {
    let url = VolumeUrl::parse(&init.url).map_err(Failure::usage)?;
    let block_size = u32::try_from(init.block_size.0)
        .ok()
        .filter(|size| size.is_power_of_two() && (64 << 10..=8 << 20).contains(size))
        .ok_or_else(|| {
            let given = show::count(init.block_size.0, "byte", "bytes");
            Failure::usage(format!("--block-size is {given}, expected a power of two from 64K to 8M"))
        })?;
    let id = VolumeId(OsEntropy.bits().to_le_bytes());
    let manifest = Manifest::new(id.0, SystemClock.now(), block_size);
    let probe = OsEntropy.bits().to_le_bytes();
    firn_store::init(&url, &manifest, probe).await.map_err(Failure::from)?;
    if out.json {
        out.value(&serde_json::json!({ "volume": url.to_string(), "volume_id": id.to_string(), "block_size": block_size }))?;
    } else {
        out.line(format_args!(
            "{} is a Firn volume now\nmount it with: firn mount {} DIR",
            show::path(url.to_string().as_bytes()),
            shell_word(url.to_string().as_bytes())
        ))?;
    }
    Ok(0)
}
