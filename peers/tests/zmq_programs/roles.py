"""The other ends of lab 01's programs, on libzmq: roles.py ROLE ARGUMENT..."""

import sys
import zmq

PATIENCE_MS = 20_000

context = zmq.Context()
context.setsockopt(zmq.LINGER, PATIENCE_MS)
context.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
context.setsockopt(zmq.SNDTIMEO, PATIENCE_MS)


def say(text):
    print(text, flush=True)


def bound(kind):
    socket = context.socket(kind)
    socket.bind("tcp://127.0.0.1:*")
    say("at " + socket.getsockopt_string(zmq.LAST_ENDPOINT).strip("\0"))
    return socket


def connected(kind, endpoint):
    socket = context.socket(kind)
    socket.connect(endpoint)
    return socket


def ask(endpoint, *texts):
    """A REQ: each text in turn, and what comes."""
    socket = connected(zmq.REQ, endpoint)
    for text in texts:
        socket.send_string(text)
        say(" | ".join(frame.decode() for frame in socket.recv_multipart()))


def answer(count, reply):
    """A REP: the same reply each time; `same` sends back what came."""
    socket = bound(zmq.REP)
    for _ in range(int(count)):
        frames = socket.recv_multipart()
        socket.send_multipart(frames if reply == "same" else [reply.encode()])
    say("answered " + count)


def stale():
    """A REP that first gives the answer to another request, and then is asked again."""
    socket = bound(zmq.REP)
    number, text = socket.recv_multipart()
    socket.send_multipart([b"999", b"done: " + text])
    number, text = socket.recv_multipart()
    socket.send_multipart([number, b"done: " + text])
    say("answered " + number.decode())


def subscribe(endpoint, prefix, count):
    """A SUB: so many of what begins so."""
    socket = connected(zmq.SUB, endpoint)
    socket.setsockopt_string(zmq.SUBSCRIBE, prefix)
    for _ in range(int(count)):
        say(socket.recv_string())


def publish(where, *texts):
    """An XPUB, bound or connected: waits for a subscription, publishes the texts, and waits for the subscription's end."""
    socket = bound(zmq.XPUB) if where == "bind" else connected(zmq.XPUB, where)
    begun = socket.recv()
    say("begun " + begun[1:].decode())
    assert begun[0] == 1, begun
    for text in texts:
        socket.send_string(text)
    ended = socket.recv()
    assert ended == b"\0" + begun[1:], ended
    say("ended " + ended[1:].decode())


def publish_to_all(count, *texts):
    """A PUB with several subscribers: publishes the texts in turn until it is ended."""
    socket = bound(zmq.XPUB)
    for _ in range(int(count)):
        socket.recv()
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    place = 0
    while not poller.poll(1):
        socket.send_string(texts[place % len(texts)])
        place += 1
    say("ended")


def work(source, sink, name):
    """A worker: does what it is given until the batch ends."""
    results = connected(zmq.PUSH, sink)
    tasks = connected(zmq.PULL, source)
    done = 0
    while True:
        words = tasks.recv_string().split(" ")
        if words[0] == "end":
            break
        kind, batch, number, _ms = words
        assert kind == "task", words
        results.send_string(f"done {batch} {number} {name}")
        done += 1
    say(f"{done} tasks")


def serve(endpoint, count):
    """A server behind a broker: a REP, which keeps what stands before the empty frame by itself."""
    socket = connected(zmq.REP, endpoint)
    say("at " + endpoint)
    for _ in range(int(count)):
        frames = socket.recv_multipart()
        socket.send_multipart([b"P:" + b"".join(frames)])
    say("served " + count)


def many(endpoint, count):
    """A DEALER with so many requests in flight, each with its number on the way back."""
    socket = connected(zmq.DEALER, endpoint)
    for number in range(int(count)):
        socket.send_multipart([str(number).encode(), b"", f"question {number}".encode()])
    waiting = set(range(int(count)))
    for _ in range(int(count)):
        number, empty, text = socket.recv_multipart()
        assert empty == b"" and f"question {number.decode()}" in text.decode(), (number, empty, text)
        waiting.remove(int(number))
    say(f"{len(waiting)} wait")


globals()[sys.argv[1]](*sys.argv[2:])
