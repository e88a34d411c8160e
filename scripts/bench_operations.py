"""Measures single operations in a Firn mount and in the empty filesystem, over both transports.

The empty filesystem (fuse/examples/empty) keeps a tree in memory and does nothing else, over the same code and transport: it
is what the kernel allows. Prints a Markdown table. Each figure is the median of several rounds, Firn and the empty
filesystem in turn; the ratio of the two is what counts.
"""

import argparse
import os
import statistics
import subprocess
import time


class Mount:
    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory

    def load(self, program, clients, files):
        """Operations per second, by name."""
        out = subprocess.run([program, self.directory, str(clients), str(files)], check=True, capture_output=True, text=True)
        lines = (line.split() for line in out.stdout.splitlines())
        return {words[0]: float(words[1].removesuffix("/s")) for words in lines if len(words) >= 2}


class Empty(Mount):
    def __init__(self, options, transport):
        super().__init__(os.path.join(options.scratch, f"empty-{transport}"))
        self.process = subprocess.Popen(
            [options.empty, "--ttl", "3600", "--transport", transport, self.directory], stderr=subprocess.PIPE, text=True)
        self.transport = self.process.stderr.readline()
        if not self.transport.startswith("mounted"):
            raise SystemExit(f"the empty filesystem: {self.transport}")

    def end(self):
        subprocess.run(["umount", self.directory], check=True)
        self.process.wait()


class Firn(Mount):
    def __init__(self, options, transport):
        super().__init__(os.path.join(options.scratch, f"firn-{transport}"))
        self.firn = options.firn
        volume = os.path.join(options.scratch, f"volume-{transport}")
        subprocess.run([self.firn, "init", volume], check=True, capture_output=True)
        subprocess.run([self.firn, "mount", "--transport", transport, volume, self.directory], check=True,
                       capture_output=True)

    def end(self):
        subprocess.run([self.firn, "umount", self.directory], check=True, capture_output=True)


def compare(options, transport):
    empty, firn = Empty(options, transport), Firn(options, transport)
    rows = []
    try:
        for clients in options.clients:
            found = [(empty.load(options.load, clients, options.count), firn.load(options.load, clients, options.count))
                     for _ in range(options.rounds)]
            for operation in found[0][0]:
                most, ours = (statistics.median(pair[side][operation] for pair in found) for side in (0, 1))
                rows.append((operation, clients, most, ours))
            time.sleep(2)
    finally:
        empty.end()
        firn.end()
    return rows


def main():
    parser = argparse.ArgumentParser()
    for name in ("firn", "empty", "load", "scratch"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 2, 4])
    options = parser.parse_args()
    print("| operations a second | clients | transport | empty filesystem | Firn | Firn compared |\n|---|---|---|---|---|---|")
    for transport in ("uring", "classic"):
        for operation, clients, most, ours in compare(options, transport):
            print(f"| {operation} | {clients} | {transport} | {most:,.0f} | {ours:,.0f} | {ours / most:.2f} |", flush=True)


if __name__ == "__main__":
    main()
