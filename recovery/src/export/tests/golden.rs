//! `testdata/export`, written once by version 1 and never again.

use super::*;

const PLAIN: &[u8] = include_bytes!("../../../../testdata/export/v1");
const REDACTED: &[u8] = include_bytes!("../../../../testdata/export/v1-redacted");

/// The groups of the journal's own golden files, which hold every kind of event.
pub(super) fn groups() -> Vec<Vec<Event>> {
    const SEGMENTS: [&[u8]; 3] = [
        include_bytes!("../../../../testdata/journal/v1-claim.seg"),
        include_bytes!("../../../../testdata/journal/v1-every-kind.seg"),
        include_bytes!("../../../../testdata/journal/v1-empty.seg"),
    ];
    SEGMENTS.map(|object| Segment::decode(object).unwrap().1.events).into()
}

/// One that is compressed, one that is not, and one that is the same as the first.
fn contents() -> Contents {
    let text = Bytes::from("a line of text\n".repeat(40));
    let noise = Bytes::copy_from_slice(&Hash::of(b"noise").0);
    [(block(0, 0), text.clone()), (block(0, 1), text), (block(1, 300), noise)].into()
}

#[test]
fn version_1_reads_as_it_was_written() {
    assert_holds(&Export::read(Bytes::from_static(PLAIN)).unwrap(), &groups(), &contents());
}

#[test]
fn version_1_says_that_it_was_redacted() {
    let export = Export::read(Bytes::from_static(REDACTED)).unwrap();
    assert!(export.is_redacted());
    let events: Vec<Event> = export.events().map(Result::unwrap).collect();
    let [Event { seq: Seq(1), kind: EventKind::Mounted { host, version, .. }, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((host.len(), version.as_str()), ("höst".len(), "0.1.0"));
}
