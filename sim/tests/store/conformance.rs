//! object_store's own suite, with faults off.
//!
//! Its functions that are left out: `list_paginated`, since no part of Firn lists page by page and a listing here
//! is one request; and `response_extensions`, which is about the headers of HTTP.

use object_store::integration;

use super::*;

fn store() -> Arc<Client> {
    good_client(&Bucket::new(Seed(1), Trace::hashed()), 1)
}

#[tokio::test(start_paused = true)]
async fn objects() {
    integration::put_get_delete_list(&store()).await;
    integration::get_opts(&store()).await;
    integration::put_opts(&store(), true).await;
    integration::put_get_attributes(&store()).await;
    let absent = integration::get_nonexistent_object(&store(), None).await.unwrap_err();
    assert!(matches!(absent, object_store::Error::NotFound { .. }));
}

#[tokio::test(start_paused = true)]
async fn listings() {
    integration::list_uses_directories_correctly(&store()).await;
    integration::list_with_delimiter(&store()).await;
    integration::list_with_offset_exclusivity(&store()).await;
}

#[tokio::test(start_paused = true)]
async fn copies() {
    integration::rename_and_copy(&store()).await;
    integration::copy_if_not_exists(&store()).await;
    integration::copy_rename_nonexistent_object(&store()).await;
}

#[tokio::test(start_paused = true)]
async fn multipart_uploads() {
    let store = store();
    integration::stream_get(&store).await;
    integration::multipart(&*store, &*store).await;
    integration::multipart_with_opts(&*store, &*store).await;
    integration::multipart_put_part_out_of_order(&*store, &*store).await;
    integration::multipart_out_of_order(&*store).await;
    integration::multipart_race_condition(&*store, true).await;
}

/// Firn's own probe of what it needs.
#[tokio::test(start_paused = true)]
async fn it_can_hold_a_volume() {
    let store: Arc<dyn ObjectStore> = store();
    firn_store::probe(&store, [7; 16]).await.unwrap();
}
