"""cut_proxy - passes TCP bytes on, and cuts each connection after so many.

usage: cut_proxy.py LISTEN_PORT_FILE TARGET_PORT_FILE BYTES [CONNECTIONS]

Bytes from the client are counted; the first CONNECTIONS (default: all)
connections that carry BYTES of them are reset, the rest pass.
"""
import os
import socket
import struct
import sys
import threading

port_file, target_file, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
left = [int(sys.argv[4]) if len(sys.argv) > 4 else 1 << 30]


def reset(*ends):
    for end in ends:
        try:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # a thread may sit in recv(): shutting down gets it out
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()


def pump(source, target, counted):
    passed = 0
    try:
        while True:
            data = source.recv(65536)
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
            passed += len(data)
            if counted and passed >= limit and left[0] > 0:
                left[0] -= 1
                reset(source, target)
                return
    except OSError:
        reset(source, target)


listener = socket.create_server(("127.0.0.1", 0))
with open(port_file + ".new", "w", encoding="ascii") as file:
    file.write("%d\n" % listener.getsockname()[1])
os.rename(port_file + ".new", port_file)
while True:
    client, _ = listener.accept()
    with open(target_file, encoding="ascii") as file:
        server = socket.create_connection(("127.0.0.1", int(file.read())))
    threading.Thread(target=pump, args=(client, server, True), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, False), daemon=True).start()
