"""The other ends of lab 01's programs, on libzmq: roles.py ROLE ARGUMENT..."""

import json
import os
import socket as system
import sys
import time
import zmq
from zmq.utils.monitor import recv_monitor_message

PATIENCE_MS = 20_000

context = zmq.Context()
context.setsockopt(zmq.LINGER, PATIENCE_MS)
context.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
context.setsockopt(zmq.SNDTIMEO, PATIENCE_MS)


def say(text):
    print(text, flush=True)


def bound(kind, endpoint="tcp://127.0.0.1:*"):
    socket = context.socket(kind)
    socket.bind(endpoint)
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


def letters(endpoint, count, *texts):
    """A DEALER: all texts at once, and so many that come."""
    socket = connected(zmq.DEALER, endpoint)
    for text in texts:
        socket.send_string(text)
    for _ in range(int(count)):
        say(" | ".join(frame.decode() for frame in socket.recv_multipart()))


def answer(count, reply):
    """A REP: the same reply each time; `same` sends back what came."""
    socket = bound(zmq.REP)
    for _ in range(int(count)):
        frames = socket.recv_multipart()
        socket.send_multipart(frames if reply == "same" else [reply.encode()])
    say("answered " + count)


def stale():
    """A REP that first gives the answers to other requests, an earlier and a later one, and is asked again each time."""
    socket = bound(zmq.REP)
    for other in (b"0", b"999"):
        number, text = socket.recv_multipart()
        socket.send_multipart([other, b"done: " + text])
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


def stay(kind, endpoint):
    """A socket that listens, and does nothing else."""
    _kept = bound(getattr(zmq, kind), endpoint)
    sys.stdin.read()


def come_and_go(kind, endpoint):
    """Sockets that connect and close as the lines of the standard input say: `come`, or `go` and the number of one."""
    sockets = []
    for line in sys.stdin:
        word, *number = line.split()
        if word == "go":
            sockets[int(number[0]) - 1].close()
            continue
        socket = context.socket(getattr(zmq, kind))
        # pyzmq's own name for this comes back with the next socket, while that of the closed one may still be in use.
        socket.monitor(f"inproc://{len(sockets)}", zmq.EVENT_CONNECTED)
        monitor = connected(zmq.PAIR, f"inproc://{len(sockets)}")
        socket.connect(endpoint)
        # libzmq tells its end of the connection by the descriptor only.
        with system.socket(fileno=os.dup(recv_monitor_message(monitor)["value"])) as same:
            say("from tcp://{}:{}".format(*same.getsockname()))
        sockets.append(socket)


def ping(endpoint):
    """A REQ that asks by itself, with a command, whether the other side is there: is the connection lost with that?"""
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 50)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2000)
    lost = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    socket.connect(endpoint)
    socket.send_string("Hello")
    say(socket.recv_string())
    say("the connection is lost" if lost.poll(3000) else "the connection stands")
    socket.send_string("Hello")
    say(socket.recv_string())


def beat(way, endpoint, *word):
    """One of two that hear each other's beats: says this word every 50 ms at least, and tells when 40 times nothing was heard meanwhile."""
    socket = bound(zmq.DEALER, endpoint) if way == "bind" else connected(zmq.DEALER, endpoint)
    silent = 40
    while True:
        try:
            socket.send_multipart([frame.encode() for frame in word], zmq.NOBLOCK)
        except zmq.Again:
            # Nobody is connected.
            pass
        if socket.poll(50):
            frames = socket.recv_multipart()
            assert frames == [b""], frames
            if silent >= 40:
                say("there")
            silent = 0
        else:
            silent += 1
            if silent == 40:
                say("silent")


def hang(endpoint, count):
    """A REP that answers so many requests, with their numbers, and hangs with the next one in its hands."""
    socket = bound(zmq.REP, endpoint)
    for _ in range(int(count)):
        number, text = socket.recv_multipart()
        socket.send_multipart([number, b"done: " + text])
        say("answered " + number.decode())
    number, _text = socket.recv_multipart()
    say("hangs with " + number.decode())
    sys.stdin.read()


def ask_again(how, endpoint, count):
    """A REQ that asks again after a second: by a new socket each time, or by one that may ask out of turn."""
    def fresh():
        socket = context.socket(zmq.REQ)
        if how == "relaxed":
            socket.setsockopt(zmq.REQ_RELAXED, 1)
            socket.setsockopt(zmq.REQ_CORRELATE, 1)
        socket.connect(endpoint)
        return socket

    socket = fresh()
    for number in range(1, int(count) + 1):
        for _ in range(20):
            socket.send_multipart([str(number).encode(), f"question {number}".encode()])
            if socket.poll(1000):
                break
            if how == "new":
                socket.close(0)
                socket = fresh()
        came, text = socket.recv_multipart()
        assert came == str(number).encode(), (number, came)
        say(text.decode())


def join(endpoint, prefix, count):
    """A SUB that joins: subscribes, at last to a topic of its own, and hears its welcome there and so many messages."""
    own = f"join/{os.getpid()}"
    # What was subscribed to before `connect` would be sent in the order of the alphabet.
    socket = connected(zmq.SUB, endpoint)
    socket.subscribe(prefix)
    socket.subscribe(own)
    left = int(count)
    while left:
        text = socket.recv_string()
        if text == own:
            say("welcome")
            socket.unsubscribe(own)
        elif not text.startswith("join/"):
            say(text)
            left -= 1


def welcome(early, *texts):
    """An XPUB whose subscriber joins: publishes the first text before it welcomes, and the others afterwards."""
    socket = bound(zmq.XPUB)
    topic = socket.recv()[1:]
    say("begun " + topic.decode())
    socket.send_string(early)
    own = socket.recv()
    assert own.startswith(b"\1join/"), own
    for text in [own[1:].decode(), *texts]:
        socket.send_string(text)
    ends = sorted(socket.recv() for _ in range(2))
    assert ends == [b"\0" + own[1:], b"\0" + topic], ends
    say("ended")


class Member:
    """Takes part in the middleware: what it asks the discovery, one request at a time."""

    def __init__(self, kind, discovery, name, dissemination):
        self.socket = connected(getattr(zmq, kind), "tcp://" + discovery)
        self.name = name
        self.dissemination = dissemination
        self.number = 0

    def register(self, role, topics, heard=None):
        endpoint = None
        if heard:
            address, port = heard.getsockopt_string(zmq.LAST_ENDPOINT).strip("\0").removeprefix("tcp://").split(":")
            endpoint = {"address": address, "port": int(port)}
        registrant = {"role": role, "name": self.name, "endpoint": endpoint, "topics": topics}
        registrant |= {"dissemination": self.dissemination, "session": os.getpid()}
        assert self.ask({"register": registrant}) == "registered"

    def send(self, request):
        self.number += 1
        self.socket.send_string(json.dumps({"number": self.number, "request": request}))

    def receive(self):
        answer = json.loads(self.socket.recv())
        assert answer["number"] == self.number, answer
        return answer["response"]

    def ask(self, request):
        self.send(request)
        return self.receive()


def publication(topic, publisher, content):
    return [topic.encode(), json.dumps({"publisher": publisher, "content": content}).encode()]


def read(frames):
    """The topic, the publisher, what it says: a word or the name of several fields, and these."""
    topic, body = frames
    body = json.loads(body)
    content = body["content"]
    what, fields = (content, None) if isinstance(content, str) else next(iter(content.items()))
    return (topic.decode(), body["publisher"]), what, fields


def bound_verbose():
    """An XPUB that sees each subscription, also to a topic that somebody else has already. Nobody knows it until it is registered."""
    socket = bound(zmq.XPUB)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    return socket


def topics_of(providers):
    return {(topic, provider["publisher"]) for provider in providers for topic in provider["topics"]}


def subscribe_at(socket, providers):
    """Subscribes where these publish. One endpoint may serve several of them."""
    for address, port in {(provider["endpoint"]["address"], provider["endpoint"]["port"]) for provider in providers}:
        socket.connect(f"tcp://{address}:{port}")
    for topic in {topic for topic, _ in topics_of(providers)}:
        socket.subscribe(topic)


def publisher(discovery, name, dissemination, topics, order, total):
    """A publisher: its samples in the order of these numbers, and that they were so many; with `none` it never says so."""
    topics = topics.split(",")
    socket = bound_verbose()
    member = Member("REQ", discovery, name, dissemination)
    member.register("publisher", topics, socket)
    member.send("is_ready")
    poller = zmq.Poller()
    poller.register(member.socket, zmq.POLLIN)
    poller.register(socket, zmq.POLLIN)
    while member.socket not in (ready := dict(poller.poll(PATIENCE_MS))):
        assert ready, "nothing happens"
        subscription = socket.recv()
        topic = subscription[1:].decode()
        if subscription[0] == 1 and topic in topics:
            socket.send_multipart(publication(topic, name, "welcome"))
    assert member.receive() == "ready"
    for number in map(int, order.split(",")):
        for topic in topics:
            value = f"{topic} no. {number}"
            sample = {"number": number, "value": value, "sent_us": time.time_ns() // 1000}
            socket.send_multipart(publication(topic, name, {"sample": sample}))
            say(f"{topic} {number} of {name}: {value}")
    if total == "none":
        sys.stdin.read()
    for topic in topics:
        socket.send_multipart(publication(topic, name, {"end": {"samples": int(total)}}))
    assert member.ask("done") == "completed"


def subscriber(discovery, name, dissemination, topics):
    """A subscriber to these topics: tells where it finds their publishers, and what it hears."""
    topics = topics.split(",")
    member = Member("DEALER", discovery, name, dissemination)
    member.register("subscriber", topics)
    assert member.ask("is_ready") == "ready"
    providers = member.ask({"lookup_by_topic": topics})["found"]
    for provider in providers:
        say("{publisher} at {endpoint[address]}:{endpoint[port]}".format(**provider))
    socket = context.socket(zmq.SUB)
    subscribe_at(socket, providers)
    heard = {}
    while set(heard) != topics_of(providers):
        key, what, _ = read(socket.recv_multipart())
        assert what == "welcome", (key, what)
        heard[key] = 0
    assert member.ask("subscribed") == "noted"
    open_ones = set(heard)
    while open_ones:
        key, what, fields = read(socket.recv_multipart())
        if what == "sample":
            assert fields["number"] == heard[key], (key, fields, heard)
            age = time.time_ns() // 1000 - fields["sent_us"]
            assert 0 <= age < 60_000_000, age
            heard[key] += 1
            say("{} {number} of {}: {value}".format(*key, **fields))
        elif what == "end":
            assert fields["samples"] == heard[key], (key, fields, heard)
            open_ones.remove(key)
    assert member.ask("done") == "completed"


def broker(discovery, name):
    """A broker: hears all, and passes it on."""
    above, below = context.socket(zmq.SUB), bound_verbose()
    member = Member("DEALER", discovery, name, "Broker")
    member.register("broker", [], below)
    welcome_above, ended = set(), set()
    poller = zmq.Poller()
    for socket in (above, below, member.socket):
        poller.register(socket, zmq.POLLIN)

    def go_on(over):
        while not over():
            ready = dict(poller.poll(PATIENCE_MS))
            assert ready, "nothing happens"
            if below in ready:
                subscription = below.recv()
                for topic, name_above in welcome_above:
                    if subscription == b"\1" + topic.encode():
                        below.send_multipart(publication(topic, name_above, "welcome"))
            if above in ready:
                frames = above.recv_multipart()
                key, what, _ = read(frames)
                {"welcome": welcome_above, "end": ended}.get(what, set()).add(key)
                below.send_multipart(frames)

    def ask(request):
        member.send(request)
        go_on(lambda: member.socket.poll(0))
        return member.receive()

    assert ask("is_ready") == "ready"
    providers = ask("lookup_all")["found"]
    subscribe_at(above, providers)
    go_on(lambda: welcome_above == topics_of(providers))
    assert ask("subscribed") == "noted"
    go_on(lambda: ended == topics_of(providers))
    assert ask("done") == "completed"


def discovery(publishers, subscribers, dissemination, *noise):
    """The discovery: lets all begin and end together. With noise, two that are no answers come before each answer."""
    all_of_them = int(publishers) + int(subscribers) + int(dissemination == "Broker")
    socket = bound(zmq.ROUTER)
    members, subscribed, done, waiting = {}, set(), set(), []

    def find(who, topics):
        brokers = [member for member in members.values() if member["role"] == "broker"]
        for member in members.values():
            found = [topic for topic in member["topics"] if topics is None or topic in topics]
            if member["role"] == "publisher" and found:
                heard_at = brokers[0] if brokers and members[who]["role"] == "subscriber" else member
                yield {"publisher": member["name"], "endpoint": heard_at["endpoint"], "topics": found}

    def answer(way, number, response):
        if noise:
            socket.send_multipart([*way, b"nonsense"])
            socket.send_multipart([*way, json.dumps({"number": number - 1, "response": "completed"}).encode()])
        socket.send_multipart([*way, json.dumps({"number": number, "response": response}).encode()])

    def may_go_on(who, wish):
        if wish == "done":
            return len(done) == all_of_them
        is_publisher = members[who]["role"] == "publisher"
        silent = [other for other in members if members[other]["role"] != "publisher" and other not in subscribed]
        return len(members) == all_of_them and not (is_publisher and silent)

    while len(done) < all_of_them or waiting:
        *way, text = socket.recv_multipart()
        asked = json.loads(text)
        number, request, who = asked["number"], asked["request"], way[0]
        what, topics = (request, None) if isinstance(request, str) else next(iter(request.items()))
        if what == "register":
            members[who] = topics
            say("{role} {name}: {0}".format(", ".join(topics["topics"]), **topics))
            answer(way, number, "registered")
        elif what in ("lookup_all", "lookup_by_topic"):
            answer(way, number, {"found": list(find(who, topics))})
        elif what == "subscribed":
            subscribed.add(who)
            answer(way, number, "noted")
        else:
            assert what in ("is_ready", "done"), what
            if what == "done":
                done.add(who)
            waiting.append((way, number, what))
        for wait in [wait for wait in waiting if may_go_on(wait[0][0], wait[2])]:
            waiting.remove(wait)
            answer(wait[0], wait[1], {"is_ready": "ready", "done": "completed"}[wait[2]])


globals()[sys.argv[1]](*sys.argv[2:])
