//! The same work on a real S3 server behind a bad network.

mod support;

use std::fs;
use std::io::Write;

use support::proxy::{Proxy, Weather};
use support::tree::{assert_same, read};
use support::{World, pause, s3_endpoint, sh};

const STORMY: Weather =
    Weather { refused: 10, failed_after: 10, reset_before: 5, reset_after: 10, delay_ms: 5, down: false };

fn work(world: &World, round: usize) {
    let dir = world.dir.join(format!("round-{round}"));
    fs::create_dir(&dir).unwrap();
    for number in 0..60 {
        fs::write(dir.join(format!("{number}")), vec![number as u8; number * 997]).unwrap();
    }
    fs::write(
        dir.join("large"),
        (0..700_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect::<Vec<u8>>(),
    )
    .unwrap();
    fs::rename(dir.join("1"), dir.join("one")).unwrap();
    fs::remove_file(dir.join("2")).unwrap();
}

#[test]
fn nothing_is_lost_when_requests_fail_and_answers_are_lost() {
    let proxy = Proxy::before(&s3_endpoint(), Weather::default());
    let world = World::s3(&proxy.endpoint).mounted();
    proxy.set(STORMY);
    for round in 0..4 {
        work(&world, round);
        sh(&world.dir, "sync .");
        let tree = read(&world.dir, true);
        world.crash();
        assert_same(&format!("after crash {round}"), &tree, &read(&world.dir, true));
    }
    assert!(proxy.faults() > 20, "the storm did not happen: {} faults", proxy.faults());
    let tree = read(&world.dir, true);
    world.umount();
    proxy.set(Weather::default());
    world.ok(&["verify", &world.url.clone()]);
    world.mount();
    assert_same("in the end", &tree, &read(&world.dir, true));
}

#[test]
fn while_the_store_is_away_work_goes_on_and_fsync_waits() {
    let proxy = Proxy::before(&s3_endpoint(), Weather::default());
    let world = World::s3(&proxy.endpoint).mounted();
    fs::write(world.dir.join("before"), "1").unwrap();
    sh(&world.dir, "sync .");
    proxy.set(Weather { down: true, ..Weather::default() });
    work(&world, 0);
    assert_eq!(fs::read(world.dir.join("before")).unwrap(), b"1");
    pause(3000);
    let status = world.status();
    assert!(status["durable_seq"].as_u64() < status["head_seq"].as_u64(), "{status}");
    assert!(status["pending_bytes"].as_u64().unwrap() > 0, "{status}");
    assert_eq!(status["store"]["healthy"], false, "{status}");

    let synced = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut file = fs::File::create(world.dir.join("waits")).unwrap();
            file.write_all(b"for the store").unwrap();
            file.sync_all()
        });
        pause(1500);
        assert!(!waiting.is_finished(), "fsync answered while the store was away");
        proxy.set(Weather::default());
        waiting.join().unwrap()
    });
    synced.unwrap();
    let tree = read(&world.dir, true);
    world.crash();
    assert_same("after the store came back", &tree, &read(&world.dir, true));
}

#[test]
fn writers_wait_at_the_limit_and_lose_nothing() {
    let proxy = Proxy::before(&s3_endpoint(), Weather::default());
    let mut world = World::s3(&proxy.endpoint);
    world.mount_options.extend(["--dirty-limit".into(), "8MiB".into()]);
    let world = world.mounted();
    proxy.set(Weather { down: true, ..Weather::default() });
    let noise: Vec<u8> =
        (0..6_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| fs::write(world.dir.join("big"), &noise));
        pause(2500);
        assert!(!writer.is_finished(), "24 MB went into a limit of 8 MiB");
        assert!(world.status()["pending_bytes"].as_u64().unwrap() < 16 << 20);
        proxy.set(Weather::default());
        writer.join().unwrap().unwrap();
    });
    sh(&world.dir, "sync .");
    world.crash();
    assert!(fs::read(world.dir.join("big")).unwrap() == noise);
}
