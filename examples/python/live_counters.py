"""Live counters, plotted to a PNG: pip install 'libnetns[plot]', then live_counters.py [FILE] [SECONDS].

Two hosts of a network send each other datagrams, now more, now fewer, while the statistics are read ten times a second.
"""

import asyncio
import itertools
import socket
import sys

import netns

INTERVAL = 0.1
PORT = 5000


async def main(file: str, seconds: float) -> None:
    with netns.Controller(from_env=True) as controller:
        controller.create_network("plotted")
        with controller.create_sandbox("a") as a, controller.create_sandbox("b") as b:
            _, end = (controller.connect("plotted", each, each.name) for each in (a, b))
            assert end.address is not None  # the network has IPv4
            with a.enter():
                sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sender.connect((str(end.address.ip), PORT))
            sending = asyncio.create_task(send(sender))
            try:
                samples = await watch(controller, seconds)
            finally:
                sending.cancel()
                sender.close()
        controller.delete_network("plotted")
    plot(samples, file)
    print(f"{file}: {len(samples)} samples, {samples[-1].stats['plotted', 'a'].tx_packets} datagrams and more sent")


async def send(sender: socket.socket) -> None:
    """Bursts of 1 to 20 datagrams, a hundred times a second. Nobody listens, which a sender hears of now and then."""
    for burst in itertools.cycle([*range(1, 20), *range(20, 1, -1)]):
        for _ in range(burst):
            try:
                sender.send(bytes(1000))
            except ConnectionRefusedError:
                pass
        await asyncio.sleep(0.01)


async def watch(controller: netns.Controller, seconds: float) -> list[netns.Sample]:
    """Samples of so many seconds, two at least."""
    samples: list[netns.Sample] = []
    async for sample in controller.watch_stats(INTERVAL):
        samples.append(sample)
        if len(samples) > 1 and sample.time - samples[0].time >= seconds:
            break
    return samples


def plot(samples: list[netns.Sample], file: str) -> None:
    """Megabits a second, by endpoint and direction."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    times = [each.time - samples[0].time for each in samples[1:]]
    for endpoint, counter in itertools.product("ab", ("rx_bytes", "tx_bytes")):
        counts = [getattr(each.stats["plotted", endpoint], counter) for each in samples]
        pairs = zip(samples, samples[1:], counts, counts[1:])
        rates = [(after - before) * 8e-6 / (late.time - early.time) for early, late, before, after in pairs]
        axes.plot(times, rates, "-" if endpoint == "a" else "--", label=f"{endpoint} {counter[:2]}")
    axes.set(xlabel="s", ylabel="Mbit/s", title="what the interfaces carry")
    axes.legend()
    figure.savefig(file)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(main(arguments[0] if arguments else "counters.png", float(arguments[1]) if arguments[1:] else 3.0))
