//! Of whom a command asks what it asks: the process of a mount, or a volume that it opens itself.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use firn_control::{
    Answers, Failure, Line, MountAddress, Request, Sink, Target, TreePath, call, execute, locate, mounts,
    verify_store,
};
use firn_store::VolumeUrl;

use crate::arguments::Global;
use crate::commands::name;
use crate::open;

/// Where a request goes.
pub enum Place {
    /// The process behind a mount.
    Mount(MountAddress),
    /// A volume, wherever it is mounted or not.
    Volume(VolumeUrl),
}

impl Place {
    /// The volume that was named, or else that of the current directory.
    pub fn here(global: &Global) -> Result<Place, Failure> {
        Ok(Self::of_path(global, None)?.0)
    }

    /// The volume that `path` lies in, and the path in it; absent for the whole tree.
    pub fn of_path(global: &Global, path: Option<&Path>) -> Result<(Place, Option<TreePath>), Failure> {
        let whole_is_none = |path: TreePath| (!path.is_root()).then_some(path);
        if let Some(url) = &global.volume {
            let path = path.map(|path| TreePath::new(path.as_os_str().as_bytes()));
            return Ok((Place::Volume(parse(url)?), path.and_then(whole_is_none)));
        }
        match locate(path.unwrap_or(Path::new(".")))? {
            Some(located) => {
                let inside = path.is_some().then_some(located.path).and_then(whole_is_none);
                Ok((Place::Mount(located.address), inside))
            }
            None => Err(not_in_a_mount(path)),
        }
    }

    /// A path in a mount, or a volume's URL, or the current directory.
    pub fn of_argument(global: &Global, what: Option<&str>) -> Result<Place, Failure> {
        let Some(what) = what else { return Self::here(global) };
        if let Some(volume) = &global.volume {
            return Err(Failure::usage(format!(
                "both --volume {volume} and {what} are given; name one of them"
            )));
        }
        if !what.contains("://")
            && let Some(located) = locate(Path::new(what))?
        {
            return Ok(Place::Mount(located.address));
        }
        Ok(Place::Volume(parse(what)?))
    }

    /// The volume itself.
    pub fn volume(self) -> Result<VolumeUrl, Failure> {
        match self {
            Place::Mount(address) => parse(&address.volume),
            Place::Volume(url) => Ok(url),
        }
    }

    /// Another path, which must lie in the same volume.
    pub fn same_volume(&self, global: &Global, path: &Path) -> Result<Option<TreePath>, Failure> {
        let (place, inside) = Self::of_path(global, Some(path))?;
        match (self, &place) {
            (Place::Mount(one), Place::Mount(other)) if one != other => Err(Failure::usage(format!(
                "{} lies in the mount at {}, and not in that at {}: content cannot be shared between mounts; use cp",
                name(path),
                name(&other.mountpoint),
                name(&one.mountpoint)
            ))),
            _ => Ok(Some(inside.unwrap_or_default())),
        }
    }
}

fn parse(url: &str) -> Result<VolumeUrl, Failure> {
    VolumeUrl::parse(url).map_err(Failure::usage)
}

fn not_in_a_mount(path: Option<&Path>) -> Failure {
    let what = path.map_or_else(|| "the current directory".to_owned(), name);
    let there_are: Vec<PathBuf> = mounts().unwrap_or_default();
    let hint = match there_are.as_slice() {
        [] => "nothing is mounted here; mount a volume with `firn mount URL DIR`".to_owned(),
        dirs => format!("mounted here: {}", dirs.iter().map(|dir| name(dir)).collect::<Vec<_>>().join(", ")),
    };
    Failure::not_found(format!(
        "{what} is not in a Firn mount: go into one, name a path in one, or say --volume URL ({hint})"
    ))
}

/// Asks. The answer's last line comes when everything that it says is done.
pub async fn ask(place: &Place, request: &Request) -> Result<Answers, Failure> {
    match place {
        Place::Mount(address) => call(&address.socket, request).await,
        Place::Volume(url) => ask_volume(url, request).await,
    }
}

/// Asks the volume's live mount, if that is on this machine; otherwise opens the volume for as long as it takes.
async fn ask_volume(url: &VolumeUrl, request: &Request) -> Result<Answers, Failure> {
    let objects = open::objects(url)?;
    if let Some(socket) = open::live_socket(&objects).await? {
        match call(&socket, request).await {
            Ok(answers) => return Ok(answers),
            // To read, the store is enough.
            Err(error) if !request.writes() => tracing::debug!(%error, "the live mount does not answer"),
            Err(error) => return Err(error),
        }
    }
    if *request == Request::Verify {
        // Not through the volume's history, which may not open when something is wrong.
        let (sink, answers) = Sink::channel();
        tokio::spawn(async move { verify_store(&objects, sink).await });
        return Ok(answers);
    }
    let target = open::target(url, &objects, request.writes()).await?;
    let (sink, answers) = Sink::channel();
    tokio::spawn(execute_and_close(target, request.clone(), sink));
    Ok(answers)
}

/// Answers a request in this process, and holds the last line back until the volume is closed.
async fn execute_and_close(target: Target, request: Request, sink: Sink) {
    let (inner, mut lines) = Sink::channel();
    let caller = open::this_process();
    let relay = async {
        while let Some(line) = lines.recv().await {
            if line.is_last() {
                return Some(line);
            }
            if !sink.pass(line).await {
                return None;
            }
        }
        None
    };
    let ((), last) = tokio::join!(execute(&target, &caller, request, inner), relay);
    let closed = match &target.volume {
        Some(volume) => volume.close().await.map_err(Failure::from),
        None => Ok(()),
    };
    let last = match (last, closed) {
        (Some(Line::Result(_)), Err(failure)) => Some(Line::Error(failure)),
        (last, _) => last,
    };
    if let Some(line) = last {
        sink.pass(line).await;
    }
}
