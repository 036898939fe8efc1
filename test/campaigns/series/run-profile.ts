/** How the people of a run are, and what happens to them: drawn once for each run. */

import type { Pick } from '../../support/random.ts';

export interface Temper {
  readonly clients: number;
  /** Of one person, at most. */
  readonly devices: number;
  readonly rooms: number;
  /** What each client does, one thing after the other. */
  readonly deeds: number;
  /** Messages that are sent without waiting, at most. */
  readonly burst: number;
  /** Bytes of a message, mostly, at most. */
  readonly size: number;
  /** How long a client reads nothing, and how long it stays away, in milliseconds, at most. */
  readonly pauseMs: number;
  readonly awayMs: number;
  /** In how many of a hundred deeds a client goes. */
  readonly comings: number;
  /** How many of a hundred connections are cut at some byte. */
  readonly cuts: number;
  /** How many of a hundred people are guests. */
  readonly guests: number;
  /** In how many of a hundred runs threads die. */
  readonly crashes: number;
  /** Whether people leave and join, log out, and take further devices; otherwise all are in all rooms. */
  readonly isMoving: boolean;
  /** Clients that never go. */
  readonly steady: number;
}

export function drawSchedule(pick: Pick): Temper {
  const clients = 2 + pick(49);
  const usual: Temper = {
    clients,
    devices: 3,
    rooms: 1 + pick(8),
    deeds: Math.ceil((150 + pick(500)) / clients),
    burst: 6,
    size: 200,
    pauseMs: 60,
    awayMs: 40,
    comings: 8,
    cuts: 20,
    guests: 25,
    crashes: 25,
    isMoving: true,
    steady: 0,
  };
  const kind = pick(20);
  if (kind < 6) return { ...usual, comings: 30, burst: 30, awayMs: 100 };
  if (kind < 8) return { ...usual, ...FAT, clients: 2 + pick(8) };
  if (kind < 9) return { ...usual, ...LONG, clients: 2 + pick(8) };
  return usual;
}

export function drawDisconnects(pick: Pick): Temper {
  const usual: Temper = {
    clients: 3 + pick(6),
    devices: 2,
    rooms: 1 + pick(3),
    deeds: 30 + pick(40),
    burst: 8,
    size: 100,
    pauseMs: 30,
    awayMs: 30,
    comings: 10,
    cuts: 85,
    guests: 0,
    crashes: 10,
    isMoving: false,
    steady: 1,
  };
  const kind = pick(20);
  if (kind < 2) return { ...usual, ...FAT };
  if (kind < 3) return { ...usual, ...LONG };
  return usual;
}

/** More than outboxes, pages and the last piece of a replay hold. */
const FAT = { deeds: 25, size: 8_000, burst: 60, comings: 15, pauseMs: 400 };
/** More entries than the registry has in memory, or goes through at once. */
const LONG = { deeds: 15, size: 40, burst: 1_500, comings: 25, awayMs: 400 };
