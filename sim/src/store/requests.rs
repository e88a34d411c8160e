//! The requests for whole objects: what each one does when it arrives, and which faults can happen to it.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, Error, GetOptions, ListResult, ObjectMeta, PutMode, PutResult, Result,
};

use super::faults::Fault;
use super::objects::{Found, Objects};
use super::request::{Request, digest};
use crate::draw::Draw;

#[derive(Clone, Debug)]
pub(super) struct Put {
    pub at: Path,
    pub bytes: Bytes,
    pub attributes: Attributes,
    pub mode: PutMode,
}

impl Request for Put {
    type Answer = PutResult;
    const NAME: &'static str = "put";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.at.to_string()
    }

    fn details(&self) -> String {
        let mode = match self.mode {
            PutMode::Create => "create",
            PutMode::Overwrite => "overwrite",
            PutMode::Update(_) => "update",
        };
        format!("{mode} {}", digest(&self.bytes))
    }

    fn admits(&self, fault: Fault, _objects: &Objects) -> bool {
        match fault {
            Fault::Conflict => self.mode == PutMode::Create,
            fault => !matches!(fault, Fault::BrokenBody | Fault::ShortBody),
        }
    }

    fn carry_out(&self, objects: &mut Objects, now_ms: u64) -> Result<PutResult> {
        objects.check(&self.at, &self.mode)?;
        Ok(objects.write(&self.at, self.bytes.clone(), self.attributes.clone(), now_ms))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Get {
    pub at: Path,
    pub options: GetOptions,
}

impl Request for Get {
    type Answer = Found;
    const NAME: &'static str = "get";
    const WRITES: bool = false;

    fn key(&self) -> String {
        self.at.to_string()
    }

    fn details(&self) -> String {
        match (&self.options.range, self.options.head) {
            (_, true) => "head".into(),
            (None, _) => String::new(),
            (Some(range), _) => format!("{range:?}"),
        }
    }

    fn admits(&self, fault: Fault, objects: &Objects) -> bool {
        match fault {
            Fault::BrokenBody | Fault::ShortBody => {
                objects.get(&self.at, &self.options).is_ok_and(|found| first_piece(&found.body).is_some())
            }
            Fault::LostRequest | Fault::LostAnswer | Fault::Hang | Fault::Throttled | Fault::ServerError => {
                true
            }
            Fault::LateHang { .. } | Fault::LateError { .. } | Fault::Landed { .. } | Fault::Conflict => {
                false
            }
        }
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<Found> {
        objects.get(&self.at, &self.options)
    }

    fn cut(mut found: Found, mut draw: Draw, error: Option<Error>) -> Found {
        let half =
            first_piece(&found.body).map(|bytes| bytes.slice(..draw.below(bytes.len() as u64) as usize));
        found.body = half.map(Ok).into_iter().chain(error.map(Err)).collect();
        found
    }
}

/// The bytes of a body that has any.
fn first_piece(body: &[Result<Bytes>]) -> Option<&Bytes> {
    body.iter().flatten().find(|bytes| !bytes.is_empty())
}

/// All of them in one request. That one is not there is no error, as on S3.
#[derive(Clone, Debug)]
pub(super) struct Delete {
    pub paths: Vec<Path>,
}

impl Request for Delete {
    type Answer = Vec<Path>;
    const NAME: &'static str = "delete";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.paths.iter().map(Path::as_ref).collect::<Vec<_>>().join(" ")
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<Vec<Path>> {
        for path in &self.paths {
            objects.remove(path);
        }
        Ok(self.paths.clone())
    }
}

#[derive(Clone, Debug)]
pub(super) struct List {
    pub prefix: Path,
    pub after: Option<Path>,
}

impl Request for List {
    type Answer = Vec<ObjectMeta>;
    const NAME: &'static str = "list";
    const WRITES: bool = false;

    fn key(&self) -> String {
        self.prefix.to_string()
    }

    fn details(&self) -> String {
        self.after.as_ref().map(|after| format!("after {after}")).unwrap_or_default()
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<Vec<ObjectMeta>> {
        Ok(objects.list(&self.prefix, self.after.as_ref()))
    }
}

#[derive(Clone, Debug)]
pub(super) struct ListDirectory {
    pub prefix: Path,
}

impl Request for ListDirectory {
    type Answer = ListResult;
    const NAME: &'static str = "list_directory";
    const WRITES: bool = false;

    fn key(&self) -> String {
        self.prefix.to_string()
    }

    fn carry_out(&self, objects: &mut Objects, _now_ms: u64) -> Result<ListResult> {
        Ok(objects.list_directory(&self.prefix))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub from: Path,
    pub to: Path,
    pub mode: CopyMode,
}

impl Request for Copy {
    type Answer = ();
    const NAME: &'static str = "copy";
    const WRITES: bool = true;

    fn key(&self) -> String {
        self.from.to_string()
    }

    fn details(&self) -> String {
        format!("{:?} {}", self.mode, self.to)
    }

    fn carry_out(&self, objects: &mut Objects, now_ms: u64) -> Result<()> {
        objects.copy(&self.from, &self.to, self.mode, now_ms)
    }
}
