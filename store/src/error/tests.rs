use futures::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutMode, RetryConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that gives one answer to everything.
async fn server(answer: &'static str) -> (AmazonS3, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            read_request(&mut connection).await;
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (client(&format!("http://{address}")), serving)
}

/// The answer is sent after the whole request, since a client that is still sending may see only a reset.
async fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    while let Ok(1..) = connection.read_buf(&mut request).await {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let announced =
            head.split_once("content-length: ").map_or("0", |(_, rest)| rest.lines().next().unwrap());
        if body.len() >= announced.parse().unwrap() {
            return;
        }
    }
}

fn client(endpoint: &str) -> AmazonS3 {
    let retry =
        RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, retry_timeout: Default::default() };
    AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_bucket_name("bucket")
        .with_access_key_id("key")
        .with_secret_access_key("secret")
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(retry)
        .build()
        .unwrap()
}

/// What the client makes of answers is only known by its private types and their texts: this is where a new
/// version of it that says things differently is found out.
#[tokio::test]
async fn answers_of_a_server_are_told_apart() {
    use Fault::*;
    for (answer, get, create) in [
        ("404 Not Found\r\nContent-Length: 0\r\n\r\n", NotFound, NotFound),
        ("403 Forbidden\r\nContent-Length: 0\r\n\r\n", Denied, Denied),
        ("401 Unauthorized\r\nContent-Length: 0\r\n\r\n", Denied, Denied),
        ("400 Bad Request\r\nContent-Length: 24\r\n\r\n<Code>ExpiredToken</Code>", Denied, Denied),
        ("400 Bad Request\r\nContent-Length: 27\r\n\r\n<Code>RequestTimeout</Code> ", Transient, Transient),
        ("400 Bad Request\r\nContent-Length: 0\r\n\r\n", Permanent, Permanent),
        ("405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", Permanent, Permanent),
        ("409 Conflict\r\nContent-Length: 4\r\n\r\nElse", AlreadyExists, AlreadyExists),
        ("409 Conflict\r\nContent-Length: 26\r\n\r\nConditionalRequestConflict", Transient, Transient),
        ("412 Precondition Failed\r\nContent-Length: 0\r\n\r\n", AlreadyExists, AlreadyExists),
        ("416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n", Permanent, Permanent),
        ("429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", Transient, Transient),
        ("500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", Transient, Transient),
        ("501 Not Implemented\r\nContent-Length: 0\r\n\r\n", Permanent, Permanent),
        ("503 Slow Down\r\nContent-Length: 0\r\n\r\n", Transient, Transient),
        ("301 Moved Permanently\r\nContent-Length: 0\r\n\r\n", Permanent, Permanent),
    ] {
        let answer = Box::leak(
            format!("HTTP/1.1 {}", answer.replacen("\r\n", "\r\nConnection: close\r\n", 1)).into_boxed_str(),
        );
        let (store, serving) = server(answer).await;
        let error = store.get(&"x".into()).await.unwrap_err();
        assert_eq!(classify(&error), get, "{error}");
        let error = store.put_opts(&"x".into(), "x".into(), PutMode::Create.into()).await.unwrap_err();
        assert_eq!(classify(&error), create, "{error}");
        // A listing wraps its errors once more. It has no condition that could fail.
        let error = store.list(None).next().await.unwrap().unwrap_err();
        assert!(classify(&error) == get || get == AlreadyExists, "{error}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_broken_connection_is_transient() {
    // Closed without an answer, and in the middle of one.
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: \"x\"\r\nContent-Length: 100\r\n\r\nhalf",
    ] {
        let (store, serving) = server(answer).await;
        let error = match store.get(&"x".into()).await {
            Ok(found) => found.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(recognize(&error), Some(Fault::Transient), "{error}");
        serving.abort();
    }
    // Nobody listens: the port was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client(&format!("http://{free}")).get(&"x".into()).await.unwrap_err();
    assert_eq!(recognize(&error), Some(Fault::Transient), "{error}");
}

#[tokio::test]
async fn errors_of_a_local_directory_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let store = object_store::local::LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let fault = |error: object_store::Error| classify(&error);
    assert_eq!(fault(store.get(&"absent".into()).await.unwrap_err()), Fault::NotFound);
    store.put(&"file".into(), "x".into()).await.unwrap();
    for (at, expected) in [("file", Fault::AlreadyExists), ("file/below", Fault::Permanent)] {
        let created = store.put_opts(&at.into(), "y".into(), PutMode::Create.into()).await;
        assert_eq!(fault(created.unwrap_err()), expected);
    }
}

#[test]
fn what_is_not_recognized_is_tried_again() {
    let error = object_store::Error::Generic { store: "some", source: "thing new".into() };
    assert_eq!((recognize(&error), classify(&error)), (None, Fault::Transient));
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert_eq!(
        classify(&object_store::Error::Generic { store: "disk", source: full.into() }),
        Fault::Transient
    );
}

/// A proxy answered with a page of HTML, and the status was a screen long.
#[test]
fn a_long_answer_is_shortened_to_a_line() {
    let page = object_store::Error::Generic { store: "S3", source: "<p>\n  no é</p>".repeat(1000).into() };
    let said = brief(&page);
    assert!(said.starts_with("Generic S3 error: <p> no é</p>") && said.ends_with(" ..."));
    assert!(said.chars().count() <= BRIEF_CHARS + 4 && !said.contains('\n'));
}
