"""Measures the same work in a Firn mount and in a plain directory on the same disk.

Prints a Markdown table. The machine may be noisy: the ratio of two figures of one run is what counts.
"""

import argparse
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import time

# Without the garbage collection that git starts in the background, which would disturb what comes next.
GIT = dict(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="gc.auto", GIT_CONFIG_VALUE_0="0",
           GIT_AUTHOR_NAME="b", GIT_AUTHOR_EMAIL="b@b", GIT_COMMITTER_NAME="b", GIT_COMMITTER_EMAIL="b@b")


def sh(script, cwd):
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=cwd, check=True, env={**os.environ, **GIT},
                   stdout=subprocess.DEVNULL)


def timed(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as control:
        control.write("3")


def create(where, count, size=0):
    data = b"x" * size
    for number in range(count):
        fd = os.open(f"{where}/{number}", os.O_CREAT | os.O_WRONLY, 0o644)
        if size:
            os.write(fd, data)
        os.close(fd)


class Bench:
    def __init__(self, where, options):
        self.where, self.options, self.figures = where, options, {}

    def note(self, name, unit, value):
        self.figures[name] = (unit, value)

    def rate(self, name, count, work):
        self.note(name, "/s", count / timed(work))

    def run(self):
        self.metadata()
        self.sources()
        self.large_file()
        self.synced_writes()
        self.large_directory()

    def path(self, name):
        return os.path.join(self.where, name)

    def metadata(self):
        count = self.options.count
        many = self.path("many")
        os.mkdir(many)
        self.rate("create empty files", count, lambda: create(many, count))
        os.mkdir(self.path("small"))
        self.rate("create files of 4 KiB", count, lambda: create(self.path("small"), count, 4096))
        self.rate("stat, warm", count, lambda: [os.stat(f"{many}/{n}") for n in range(count)])
        drop_caches()
        self.rate("stat, kernel caches dropped", count, lambda: [os.stat(f"{many}/{n}") for n in range(count)])
        self.rate("rename", count, lambda: [os.rename(f"{many}/{n}", f"{many}/r{n}") for n in range(count)])
        self.rate("unlink", count, lambda: [os.unlink(f"{many}/r{n}") for n in range(count)])

    def sources(self):
        unpack = "mkdir src; for c in %s; do tar -xzf $c -C src; done" % " ".join(self.options.archives)
        self.note("untar of a source tree", "s", timed(lambda: sh(unpack, self.where)))
        self.note("files in it", "", sum(len(files) for _, _, files in os.walk(self.path("src"))))
        src = self.path("src")
        self.note("git add and commit of it", "s",
                  timed(lambda: sh("git init -q && git add -A && git commit -qm all", src)))
        self.note("git status, warm", "s", min(timed(lambda: sh("git status", src)) for _ in range(3)))
        self.note("cp -a of it", "s", timed(lambda: sh("cp -a src copy", self.where)))
        self.note("rm -rf of the copy", "s", timed(lambda: sh("rm -rf copy", self.where)))

    def large_file(self):
        size = self.options.megabytes << 20
        chunk = random.Random(1).randbytes(1 << 20)
        path = self.path("large")

        def write():
            with open(path, "wb", buffering=0) as file:
                for number in range(size >> 20):
                    file.write(number.to_bytes(8, "little") + chunk[8:])
                os.fsync(file.fileno())

        def read():
            with open(path, "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass

        self.note("sequential write and fsync", "MB/s", size / timed(write) / 1e6)
        drop_caches()
        self.note("sequential read, kernel caches dropped", "MB/s", size / timed(read) / 1e6)
        self.note("sequential read, warm", "MB/s", size / timed(read) / 1e6)
        self.random_access(path, size)

    def random_access(self, path, size):
        draw = random.Random(2)
        places = [draw.randrange(size >> 12) << 12 for _ in range(self.options.count // 2)]
        fd = os.open(path, os.O_RDWR)
        drop_caches()
        self.rate("random 4 KiB reads, kernel caches dropped", len(places),
                  lambda: [os.pread(fd, 4096, place) for place in places])
        page = b"y" * 4096
        self.rate("random 4 KiB writes", len(places), lambda: [os.pwrite(fd, page, place) for place in places])
        os.fsync(fd)
        os.close(fd)

    def synced_writes(self):
        count = self.options.count // 40
        fd = os.open(self.path("synced"), os.O_CREAT | os.O_WRONLY)

        def write():
            for number in range(count):
                os.pwrite(fd, b"z" * 4096, number * 4096)
                os.fsync(fd)

        self.rate("4 KiB write and fsync", count, write)
        os.close(fd)

    def large_directory(self):
        where = self.path("wide")
        os.mkdir(where)
        create(where, 100_000)
        drop_caches()
        self.rate("readdir of 100,000 entries (entries)", 100_000, lambda: os.listdir(where))
        shutil.rmtree(where)


class Firn:
    """A volume on the same disk, mounted."""

    def __init__(self, options, name):
        self.firn = options.firn
        self.volume = os.path.join(options.scratch, name)
        self.dir = os.path.join(options.scratch, name + "-mnt")
        os.mkdir(self.dir)
        self.call("init", self.volume)
        self.call("mount", self.volume, self.dir)

    def call(self, *arguments, cwd="/"):
        return subprocess.run([self.firn, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout

    def status(self):
        return json.loads(self.call("status", "--json", cwd=self.dir))

    def memory(self):
        with open(f"/proc/{self.status()['pid']}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def time_travel(options):
    """What only Firn does: undo, and opening a volume."""
    firn = Firn(options, "travel")
    count = options.undo_files
    tree = os.path.join(firn.dir, "tree")
    os.mkdir(tree)
    for part in range(count // 1000):
        os.mkdir(f"{tree}/{part}")
        create(f"{tree}/{part}", 1000, 200)
    firn.call("checkpoint", "whole", cwd=firn.dir)
    sh("rm -rf tree", firn.dir)
    undo = timed(lambda: firn.call("undo", "--to", "@whole", cwd=firn.dir))
    found = sum(len(files) for _, _, files in os.walk(tree))
    assert found == count // 1000 * 1000, f"{found} files came back"
    print(f"\n`firn undo` of `rm -rf` of {found:,} files: {undo:.2f} s")
    firn.call("umount", firn.dir)
    opening = timed(lambda: firn.call("mount", firn.volume, firn.dir))
    print(f"mounting that volume again: {opening:.2f} s")
    firn.call("umount", firn.dir)


def memory(options):
    firn = Firn(options, "memory")
    before = firn.memory()
    for part in range(options.files // 1000):
        os.mkdir(f"{firn.dir}/{part}")
        create(f"{firn.dir}/{part}", 1000)
    os.sync()
    firn.call("umount", firn.dir)
    opening = timed(lambda: firn.call("mount", firn.volume, firn.dir))
    used = firn.memory() - before
    print(f"{options.files:,} files: {used / options.files:.0f} bytes of memory each; mounting takes {opening:.2f} s")
    firn.call("umount", firn.dir)


def table(ours, plain):
    print("| work | plain directory | Firn | Firn compared |\n|---|---|---|---|")
    for name, (unit, value) in plain.items():
        found = ours[name][1]
        shown = [f"{v:,.2f} {unit}" if unit == "s" else f"{v:,.0f} {unit}".strip() for v in (value, found)]
        factor = value / found if unit == "s" else found / value
        print(f"| {name} | {shown[0]} | {shown[1]} | {factor:.2f} |" if unit else f"| {name} | {shown[0]} | {shown[1]} | |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--firn", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--crates", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--files", type=int, default=1_000_000)
    options = parser.parse_args()
    options.count = 2_000 if options.quick else 20_000
    options.megabytes = 128 if options.quick else 1024
    options.undo_files = 5_000 if options.quick else 57_000
    archives = sorted(glob.glob(f"{options.crates}/*/*.crate"))
    options.archives = archives[:60] if options.quick else archives[:400]
    plain = Bench(os.path.join(options.scratch, "plain"), options)
    os.mkdir(plain.where)
    firn = Firn(options, "volume")
    ours = Bench(firn.dir, options)
    for bench in (plain, ours):
        bench.run()
        os.sync()
    table(ours.figures, plain.figures)
    firn.call("umount", firn.dir)
    time_travel(options)
    if not options.quick:
        memory(options)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
