/**
 * A chat relay built on Socket.IO in the way the library's documentation suggests: chat rooms are Socket.IO rooms, and a direct
 * message goes to a private room of its recipient. The relay stores nothing. It prints `listening on 127.0.0.1:PORT`.
 *
 *   node bench/peers/socket-io-relay.ts [--port 0]
 */

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

type Answer = (code?: string) => void;

/** Requests of a client. Each is answered with an error code, or with nothing on success. */
interface ClientEvents {
  enter: (name: string, answer: Answer) => void;
  join: (room: string, answer: Answer) => void;
  say: (to: string, text: string, answer: Answer) => void;
}

interface ServerEvents {
  message: (from: string, to: string, text: string) => void;
}

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

const http = createServer();
const io = new Server<ClientEvents, ServerEvents, Record<string, never>, { name?: string }>(http, {
  transports: ['websocket'],
});

/** A user's private room. Names of chat rooms begin with `#`. */
const privateRoomOf = (name: string): string => `@${name}`;
const { rooms } = io.of('/').adapter;

io.on('connection', (socket) => {
  socket.on('enter', async (name, answer) => {
    if (rooms.has(privateRoomOf(name))) return answer('name_taken');
    socket.data.name = name;
    await socket.join(privateRoomOf(name));
    answer();
  });

  socket.on('join', async (room, answer) => {
    if (socket.data.name === undefined) return answer('not_in');
    if (!room.startsWith('#')) return answer('bad_room');
    await socket.join(room);
    answer();
  });

  socket.on('say', (to, text, answer) => {
    const from = socket.data.name;
    if (from === undefined) return answer('not_in');
    const isRoom = to.startsWith('#');
    const target = isRoom ? to : privateRoomOf(to);
    if (isRoom ? !socket.rooms.has(target) : !rooms.has(target))
      return answer(isRoom ? 'not_a_member' : 'no_such_user');
    // Reaches everybody in the room except the sender.
    socket.to(target).emit('message', from, to, text);
    answer();
  });
});

http.listen(Number(values.port), '127.0.0.1', () => {
  const address = http.address();
  console.log(`listening on 127.0.0.1:${typeof address === 'object' ? address?.port : values.port}`);
});
process.once('SIGTERM', () => void io.close());
