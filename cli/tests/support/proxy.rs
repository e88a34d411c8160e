//! A bad network before a good S3 server: requests fail, are slow, are lost, or were carried out while the
//! answer is lost. Signatures hold, since the Host header is passed through.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};

/// What goes wrong, in per cent of requests; drawn in a fixed order from a seed.
#[derive(Clone, Copy, Default)]
pub struct Weather {
    /// 503 before the server sees it.
    pub refused: u8,
    /// 500 after the server has done it.
    pub failed_after: u8,
    /// The connection ends before the server sees it.
    pub reset_before: u8,
    /// The connection ends after the server has done it: the answer is lost.
    pub reset_after: u8,
    /// Milliseconds that each request waits.
    pub delay_ms: u64,
    /// Nothing gets through.
    pub down: bool,
}

/// A proxy on a port of its own, until dropped.
pub struct Proxy {
    pub endpoint: String,
    weather: Arc<Mutex<Weather>>,
    faults: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

struct Path {
    server: String,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
    weather: Arc<Mutex<Weather>>,
    faults: Arc<AtomicU64>,
    draws: AtomicU64,
}

impl Proxy {
    /// Before the server at `http://address`.
    pub fn before(server: &str, weather: Weather) -> Proxy {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let weather = Arc::new(Mutex::new(weather));
        let faults = Arc::new(AtomicU64::new(0));
        let path = Arc::new(Path {
            server: server.trim_end_matches('/').to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            weather: weather.clone(),
            faults: faults.clone(),
            draws: AtomicU64::new(1),
        });
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let path = path.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| pass(path.clone(), request));
                    // A connection that ends early is what this proxy is for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Proxy { endpoint, weather, faults, _runtime: runtime }
    }

    /// From now on.
    pub fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }

    /// How often something went wrong.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::SeqCst)
    }
}

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends here")]
struct Reset;

type Answer = Result<Response<Full<Bytes>>, Reset>;

async fn pass(path: Arc<Path>, request: Request<Incoming>) -> Answer {
    let weather = *path.weather.lock().unwrap();
    let mut dice = draw(path.draws.fetch_add(1, Ordering::SeqCst));
    if weather.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(weather.delay_ms)).await;
    }
    if weather.down {
        return Err(Reset);
    }
    let mut fault = |rate: u8| {
        let hit = dice % 100 < u64::from(rate);
        dice = draw(dice);
        if hit {
            path.faults.fetch_add(1, Ordering::SeqCst);
        }
        hit
    };
    let (refused, reset_before) = (fault(weather.refused), fault(weather.reset_before));
    let (failed_after, reset_after) = (fault(weather.failed_after), fault(weather.reset_after));
    if refused {
        return Ok(plain(StatusCode::SERVICE_UNAVAILABLE));
    }
    if reset_before {
        return Err(Reset);
    }
    let answer = forward(&path, request).await?;
    if failed_after {
        return Ok(plain(StatusCode::INTERNAL_SERVER_ERROR));
    }
    if reset_after {
        return Err(Reset);
    }
    Ok(answer)
}

async fn forward(path: &Path, request: Request<Incoming>) -> Answer {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
    head.uri = format!("{}{}", path.server, head.uri).parse().map_err(|_| Reset)?;
    let answer = path.client.request(Request::from_parts(head, Full::new(body))).await.map_err(|_| Reset)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
    Ok(Response::from_parts(head, Full::new(body)))
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// SplitMix64.
fn draw(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
