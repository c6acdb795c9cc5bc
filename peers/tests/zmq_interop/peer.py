"""libzmq's side of the interop table: one socket, one pattern, checked word for word.

    peer.py TYPE bind|connect ENDPOINT ROUNDS [heartbeat|-]

It says `at ENDPOINT` when it can be reached or has connected, and `ok` when all that came was right. Its first line of standard input, where
a pattern needs one, says that the other side hears. A hang is ended by ZMQ_RCVTIMEO and ZMQ_SNDTIMEO.
"""

import sys
import zmq

KIND, WAY, ENDPOINT, ROUNDS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
HEARTBEAT = sys.argv[5] == "heartbeat" if len(sys.argv) > 5 else False
TOPIC = b"t"
# Lengths on both sides of what ZMTP's short frames hold (255), and one that needs many reads.
SIZES = [0, 1, 255, 256, 1000, 70000]


def payload(number):
    """The frames of message `number`; the Rust side makes the same."""
    return [str(number).encode(), bytes([number % 251]) * SIZES[number % len(SIZES)]]


def expect(wanted, got):
    if wanted != got:
        shorten = [frame[:20] for frame in got]
        sys.exit(f"expected {[frame[:20] for frame in wanted]}, got {shorten}")


def say(line):
    print(line, flush=True)


context = zmq.Context()
socket = context.socket(getattr(zmq, KIND))
socket.setsockopt(zmq.RCVTIMEO, 10000)
socket.setsockopt(zmq.SNDTIMEO, 10000)
socket.setsockopt(zmq.LINGER, 10000)
if KIND == "XPUB":
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
if HEARTBEAT:
    socket.setsockopt(zmq.HEARTBEAT_IVL, 20)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2000)
if WAY == "bind":
    socket.bind(ENDPOINT)
    say("at " + socket.getsockopt(zmq.LAST_ENDPOINT).decode().rstrip("\0"))
else:
    socket.connect(ENDPOINT)
    say("at " + ENDPOINT)


def ask():
    envelope = [b""] if KIND == "DEALER" and "delimited" in sys.argv else []
    for number in range(ROUNDS):
        socket.send_multipart(envelope + payload(number))
        expect(envelope + payload(number), socket.recv_multipart())


def answer():
    for number in range(ROUNDS):
        got = socket.recv_multipart()
        envelope = 0
        if KIND == "ROUTER":
            envelope = 2 if "delimited" in sys.argv else 1
        expect(payload(number), got[envelope:])
        socket.send_multipart(got)


def push():
    for number in range(ROUNDS):
        socket.send_multipart(payload(number))
    # The other side says when all is there: what was sent must not go with the socket.
    sys.stdin.readline()


def pull():
    for number in range(ROUNDS):
        expect(payload(number), socket.recv_multipart())


def publish():
    if KIND == "XPUB":
        expect([b"\1" + TOPIC], socket.recv_multipart())
    else:
        # A PUB does not see subscriptions: it calls until somebody says that it is heard.
        poller = zmq.Poller()
        poller.register(sys.stdin, zmq.POLLIN)
        while not poller.poll(5):
            socket.send_multipart([TOPIC, b"hello"])
        sys.stdin.readline()
    for number in range(ROUNDS):
        socket.send_multipart([b"other"] + payload(number))
        socket.send_multipart([TOPIC] + payload(number))
    sys.stdin.readline()


def subscribe():
    if KIND == "XSUB":
        socket.send(b"\1" + TOPIC)
    else:
        socket.setsockopt(zmq.SUBSCRIBE, TOPIC)
    got = socket.recv_multipart()
    if got == [TOPIC, b"hello"]:
        say("heard")
        while got == [TOPIC, b"hello"]:
            got = socket.recv_multipart()
    for number in range(ROUNDS):
        expect([TOPIC] + payload(number), got)
        if number + 1 < ROUNDS:
            got = socket.recv_multipart()


{
    "REQ": ask, "DEALER": ask, "REP": answer, "ROUTER": answer, "PUSH": push, "PULL": pull,
    "PUB": publish, "XPUB": publish, "SUB": subscribe, "XSUB": subscribe,
}[KIND]()
say("ok")
socket.close()
context.term()
