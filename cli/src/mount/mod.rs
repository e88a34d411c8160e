//! `firn mount`: the process that serves a mount, in the background or in the foreground.

mod background;
mod place;
mod ready;
mod serve;

use crate::arguments::{Global, Mount};
use crate::commands::Outcome;
use crate::output::{Output, Stop};
use crate::{exit, logging, runtime};

/// Mounts. In the foreground it returns when the mount has ended.
pub fn mount(global: &Global, mount: &Mount, out: &mut Output) -> Outcome {
    if mount.background_child {
        return serve_in_background(global, mount, out);
    }
    let mountpoint = place::prepare(mount)?;
    if !mount.foreground {
        logging::start(global.verbose, false);
        let ready = background::start(global, mount, &mountpoint, out)?;
        ready::tell(&ready, out)?;
        return Ok(0);
    }
    logging::start(global.verbose, true);
    runtime()?.block_on(async {
        let serving = serve::begin(mount, &mountpoint, out).await?;
        ready::tell(&serving.ready, out)?;
        out.finish()?;
        Ok::<_, Stop>(serving.until_the_end().await?)
    })?;
    Ok(0)
}

/// What goes wrong here goes into the log, and to whoever waits for the mount; nobody reads our standard error.
fn serve_in_background(global: &Global, mount: &Mount, out: &Output) -> Outcome {
    logging::start(global.verbose, true);
    background::detach()?;
    let served = runtime()?.block_on(async {
        match serve::begin(mount, &mount.dir, out).await {
            Ok(serving) => {
                if let Err(error) = background::report(Ok(serving.ready.clone())) {
                    tracing::warn!(%error, "whoever asked for this mount did not wait for it; it goes on");
                }
                serving.until_the_end().await
            }
            Err(failure) => {
                if let Err(error) = background::report(Err(failure.clone())) {
                    tracing::warn!(%error, "whoever asked for this mount did not wait to hear why there is none");
                }
                Err(failure)
            }
        }
    });
    Ok(served.map_or_else(
        |failure| {
            tracing::error!("{failure}");
            exit::code(failure.kind)
        },
        |()| 0,
    ))
}
