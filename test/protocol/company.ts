/** Servers, and users who talk to them with the independent client. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { Connection, Refused, type Request, type Value } from './independent-client.ts';

export const PASSWORD = 'correct horse';

export interface Company {
  /** All connections that this file opened. */
  readonly connections: readonly Connection[];
  /** Starts another server, on a data folder of its own or on that of an earlier server. */
  serve(args?: readonly string[], data?: string): Promise<RunningServer & { readonly data: string }>;
  open(to?: RunningServer): Promise<Connection>;
  /** A new connection on which `user` is logged in and live. */
  login(user: string, to?: RunningServer): Promise<Connection>;
  /** A new account, logged in. */
  account(user: string, to?: RunningServer): Promise<Connection>;
}

/** Call at the top of a test file. Its tests share one server that accepts guests, which is the default. */
export function useCompany(): Company {
  const folder = testFolder();
  const connections: Connection[] = [];
  const servers: RunningServer[] = [];

  const company: Company = {
    connections,
    async serve(args = [], data = join(folder, `data-${servers.length}`)) {
      const started = await startServer({ data, args });
      servers.push(started);
      return { ...started, data };
    },
    async open(to = servers[0]) {
      if (to === undefined) throw new Error('the server has not been started');
      const connection = await Connection.open(to.port);
      connections.push(connection);
      return connection;
    },
    async login(user, to) {
      const connection = await company.open(to);
      await connection.ask('login', user, PASSWORD);
      await connection.event('live');
      return connection;
    },
    async account(user, to) {
      const connection = await company.open(to);
      await Promise.all(
        connection.pipeline([
          ['register', user, PASSWORD],
          ['login', user, PASSWORD],
        ]),
      );
      await connection.event('live');
      return connection;
    },
  };

  beforeAll(async () => {
    // Several shards, so that messages between clients cross threads.
    await company.serve(['--guests', '--workers', '3']);
  });
  afterAll(async () => {
    await Promise.all(
      servers
        .filter(({ child }) => child.exitCode === null && child.signalCode === null)
        .map((each) => each.stop()),
    );
  });
  return company;
}

/** The code with which a request is refused. */
export async function refusal(answer: Promise<Value>): Promise<Value> {
  const error = await answer.then(
    (result) => new Error(`answered ${JSON.stringify(result)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof Refused) return error.code;
  throw error;
}

/** Checks that the server refuses each of these requests with its code. */
export async function expectRefusals(
  by: Connection,
  refusals: readonly (readonly [code: string, ...Request])[],
): Promise<void> {
  for (const [code, ...request] of refusals)
    expect(await refusal(by.ask(...request)), JSON.stringify(request)).toBe(code);
}

export function number(value: Value | undefined): number {
  if (typeof value !== 'number') throw new Error(`not a number: ${JSON.stringify(value)}`);
  return value;
}

export function text(value: Value | undefined): string {
  if (typeof value !== 'string') throw new Error(`not a string: ${JSON.stringify(value)}`);
  return value;
}

export function array(value: Value | undefined): Value[] {
  if (!Array.isArray(value)) throw new Error(`not an array: ${JSON.stringify(value)}`);
  return value;
}

/** The value of a key of a map. */
export function field(value: Value, key: string): Value | undefined {
  if (!(value instanceof Map)) throw new Error(`not a map: ${JSON.stringify(value)}`);
  return value.get(key);
}

export async function send(from: Connection, ...rest: Value[]): Promise<{ id: number; at: number }> {
  const [id, at, ...more] = array(await from.ask('send', ...rest));
  expect(more).toEqual([]);
  return { id: number(id), at: number(at) };
}

export function plain(value: Value): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plain(each)]));
  return value;
}
