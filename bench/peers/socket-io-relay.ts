/**
 * A chat relay on Socket.IO, as somebody would write it who uses the library as its pages say: rooms are its rooms, and a direct
 * message goes to a room of the recipient's own. It keeps nothing. Prints `listening on 127.0.0.1:PORT`.
 *
 *   node bench/peers/socket-io-relay.ts [--port 0]
 */

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

type Answer = (code?: string) => void;

/** What a client asks for. Answered with nothing, or with a code. */
interface Asked {
  enter: (name: string, answer: Answer) => void;
  join: (room: string, answer: Answer) => void;
  say: (to: string, text: string, answer: Answer) => void;
}

interface Told {
  message: (from: string, to: string, text: string) => void;
}

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

const http = createServer();
const io = new Server<Asked, Told, Record<string, never>, { name?: string }>(http, {
  transports: ['websocket'],
});

/** Each user's own room. A room that people join begins with `#`. */
const homeOf = (name: string): string => `@${name}`;
const { rooms } = io.of('/').adapter;

io.on('connection', (socket) => {
  socket.on('enter', async (name, answer) => {
    if (rooms.has(homeOf(name))) return answer('name_taken');
    socket.data.name = name;
    await socket.join(homeOf(name));
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
    const target = isRoom ? to : homeOf(to);
    if (isRoom ? !socket.rooms.has(target) : !rooms.has(target))
      return answer(isRoom ? 'not_a_member' : 'no_such_user');
    // To everybody there but the sender.
    socket.to(target).emit('message', from, to, text);
    answer();
  });
});

http.listen(Number(values.port), '127.0.0.1', () => {
  const address = http.address();
  console.log(`listening on 127.0.0.1:${typeof address === 'object' ? address?.port : values.port}`);
});
process.once('SIGTERM', () => void io.close());
