use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;

use super::ExportError;

/// Where the bytes of an export are.
pub(super) enum Source {
    File { file: File, len: u64 },
    Memory(Bytes),
}

impl Source {
    pub fn open(path: &Path) -> Result<Source, ExportError> {
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            // Of what is no file nobody knows the length, on which every allocation rests.
            if !metadata.is_file() {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok(Source::File { len: metadata.len(), file })
        };
        open().map_err(ExportError::Read)
    }

    pub fn len(&self) -> u64 {
        match self {
            Source::File { len, .. } => *len,
            Source::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// `len` bytes from `offset` on; `None` if there are not so many, before anything is allocated for them.
    pub fn read(&self, offset: u64, len: usize) -> Result<Option<Bytes>, ExportError> {
        let Some(end) = offset.checked_add(len as u64).filter(|end| *end <= self.len()) else {
            return Ok(None);
        };
        match self {
            Source::Memory(bytes) => Ok(Some(bytes.slice(offset as usize..end as usize))),
            Source::File { file, .. } => {
                let mut bytes = vec![0; len];
                file.read_exact_at(&mut bytes, offset).map_err(ExportError::Read)?;
                Ok(Some(bytes.into()))
            }
        }
    }
}
