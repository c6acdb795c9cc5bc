"""Python's side: flatbuffers and pyzmq, with the code that `flatc --python` makes.

    peer.py publish SAMPLES LENGTH          binds, says `at ENDPOINT`, waits for a line, publishes as the original does
    peer.py subscribe ENDPOINT              says `ready`, prints `SEQ_NO TS NAME DATA…` of each sample, until END
"""

import sys
import flatbuffers
import zmq
from MyPubSub import Topic


def say(line):
    print(line, flush=True)


def serialize(seq_no, ts, name, data):
    builder = flatbuffers.Builder(0)
    name = builder.CreateString(name)
    Topic.StartDataVector(builder, len(data))
    for number in reversed(data):
        builder.PrependUint32(number)
    data = builder.EndVector()
    Topic.Start(builder)
    Topic.AddSeqNo(builder, seq_no)
    Topic.AddTs(builder, ts)
    Topic.AddName(builder, name)
    Topic.AddData(builder, data)
    builder.Finish(Topic.End(builder))
    return bytes(builder.Output())


def publish(samples, length):
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.LINGER, 10000)
    socket.setsockopt(zmq.RCVTIMEO, 20000)
    socket.bind("tcp://127.0.0.1:0")
    say("at " + socket.getsockopt(zmq.LAST_ENDPOINT).decode().rstrip("\0"))
    if socket.recv() != b"\1":
        sys.exit("expected a subscription to everything")
    for seq_no in range(samples):
        socket.send(serialize(seq_no, seq_no + 0.5, "DATA", list(range(length))))
    socket.send(serialize(samples + 1, 2.5, "END", []))
    # What was sent must not go with the socket.
    sys.stdin.readline()


def subscribe(endpoint):
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVTIMEO, 20000)
    socket.connect(endpoint)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    say("ready")
    while True:
        topic = Topic.Topic.GetRootAs(socket.recv(), 0)
        data = [topic.Data(place) for place in range(topic.DataLength())]
        say(" ".join(map(str, [topic.SeqNo(), topic.Ts(), topic.Name().decode(), *data])))
        if topic.Name() == b"END":
            return


context = zmq.Context()
if sys.argv[1] == "publish":
    publish(int(sys.argv[2]), int(sys.argv[3]))
else:
    subscribe(sys.argv[2])
context.destroy(linger=10000)
