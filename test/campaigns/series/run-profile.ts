/** The random parameters of a run: what its clients are like and what happens to them. */

import type { Pick } from '../../support/random.ts';

export interface RunProfile {
  readonly clients: number;
  /** The most clients of one user. */
  readonly clientsPerPerson: number;
  readonly rooms: number;
  /** Actions of each client. */
  readonly actions: number;
  /** The most messages sent without waiting. */
  readonly burst: number;
  /** The usual largest size of a message, in bytes. */
  readonly size: number;
  /** The longest time a client does not read, and stays away, in milliseconds. */
  readonly pauseMs: number;
  readonly awayMs: number;
  /** Percentage of actions in which a client disconnects. */
  readonly leavePercent: number;
  /** Percentage of connections that are cut at some byte. */
  readonly cutPercent: number;
  /** Percentage of users who are guests. */
  readonly guests: number;
  /** Percentage of runs in which threads die. */
  readonly crashPercent: number;
  /** Whether users join, leave, log out and open further clients; otherwise all stay in all rooms. */
  readonly changesRooms: boolean;
  /** Clients that never disconnect. */
  readonly steady: number;
}

export function drawSchedule(pick: Pick): RunProfile {
  const clients = 2 + pick(49);
  const usual: RunProfile = {
    clients,
    clientsPerPerson: 3,
    rooms: 1 + pick(8),
    actions: Math.ceil((150 + pick(500)) / clients),
    burst: 6,
    size: 200,
    pauseMs: 60,
    awayMs: 40,
    leavePercent: 8,
    cutPercent: 20,
    guests: 25,
    crashPercent: 25,
    changesRooms: true,
    steady: 0,
  };
  const kind = pick(20);
  if (kind < 6) return { ...usual, leavePercent: 30, burst: 30, awayMs: 100 };
  if (kind < 8) return { ...usual, ...FAT, clients: 2 + pick(8) };
  if (kind < 9) return { ...usual, ...LONG, clients: 2 + pick(8) };
  return usual;
}

export function drawDisconnects(pick: Pick): RunProfile {
  const usual: RunProfile = {
    clients: 3 + pick(6),
    clientsPerPerson: 2,
    rooms: 1 + pick(3),
    actions: 30 + pick(40),
    burst: 8,
    size: 100,
    pauseMs: 30,
    awayMs: 30,
    leavePercent: 10,
    cutPercent: 85,
    guests: 0,
    crashPercent: 10,
    changesRooms: false,
    steady: 1,
  };
  const kind = pick(20);
  if (kind < 2) return { ...usual, ...FAT };
  if (kind < 3) return { ...usual, ...LONG };
  return usual;
}

/** More than outboxes, pages and the last piece of a replay can hold. */
const FAT = { actions: 25, size: 8_000, burst: 60, leavePercent: 15, pauseMs: 400 };
/** More entries than the registry keeps in memory or scans at once. */
const LONG = { actions: 15, size: 40, burst: 1_500, leavePercent: 25, awayMs: 400 };
