/** The end of a run: everybody is brought up to date, and then every view is compared with the log. */

import type { Pick } from '../../support/random.ts';
import type { Device } from '../clients/resuming-client.ts';
import { checkView } from './compare-views.ts';
import { type Said, Sight } from './expected-view.ts';
import { checkHistory, checkReplay } from './history-check.ts';
import { readEntries, readNewest, type StoredEntry } from './stored-log.ts';
import type { Report } from './view-faults.ts';

export interface Audited {
  readonly data: string;
  readonly devices: readonly Device[];
  /** The newest entry before the run. */
  readonly since: number;
  /** Whether an entry is of this run, and not left over from the one before. */
  readonly isOwn: (entry: StoredEntry) => boolean;
  /** All that anybody has tried to say, by the texts. */
  readonly said: ReadonlyMap<string, Said>;
  readonly pick: Pick;
  readonly report: Report;
}

export interface Audit {
  readonly entries: number;
  /** Entries that were shown, on all devices. */
  readonly shown: number;
}

/** Accounts whose history and whole replay are read as well. */
const READERS = 3;
/** For all to be brought up to date. */
const SETTLE_MS = 60_000;

/** Audits of a log that does not stand still, before the last one counts. */
const ROUNDS = 5;

/** A guest may leave its rooms only after everybody else has settled: then what was found is looked at once more. */
export async function audit(run: Audited): Promise<Audit> {
  for (let round = 1; ; round += 1) {
    const findings: Parameters<Report>[] = [];
    const newest = await settle(run.data, accountsOf(run.devices));
    const audited = await compare({ ...run, report: (...finding) => findings.push(finding) });
    if (round < ROUNDS && readNewest(run.data) !== newest) continue;
    for (const finding of findings) run.report(...finding);
    return audited;
  }
}

function accountsOf(devices: readonly Device[]): Device[] {
  return devices.filter(({ owner }) => owner.password !== undefined);
}

async function compare({ data, devices, since, isOwn, said, report, pick }: Audited): Promise<Audit> {
  const settled = accountsOf(devices);
  const entries = readEntries(data, since).filter(isOwn);
  const sight = new Sight(said, report);
  sight.add(entries);
  for (const device of settled) for (const view of device.views.slice(-1)) view.isWhole = true;
  let shown = 0;
  for (const { views } of devices) {
    for (const view of views) {
      checkView(view, sight, report);
      shown += view.count;
    }
  }
  const [first] = settled;
  if (first !== undefined) for (const room of sight.rooms) await checkMembers(first, room, sight, report);
  for (let i = 0; i < READERS && settled.length > 0; i += 1) {
    const [device] = settled.splice(pick(settled.length), 1);
    if (device === undefined) break;
    await checkHistory(device, sight, report, () => 1 + pick(pick(2) === 0 ? 20 : 500));
    const { owner, port } = device;
    (await checkReplay(owner, port, since, sight, report)).cut('close');
  }
  return { entries: entries.length, shown };
}

/** Everybody is live, everything is answered, and everybody has got what the log holds. Its newest id. */
async function settle(data: string, devices: readonly Device[]): Promise<number> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    await Promise.all(devices.map((device) => finish(device, deadline)));
    const newest = readNewest(data);
    // What is answered through the registry comes behind all that it has routed before.
    await Promise.all(devices.map((device) => device.call('rooms')));
    if (devices.every((device) => device.isLive) && readNewest(data) === newest) return newest;
  }
}

async function finish(device: Device, deadline: number): Promise<void> {
  device.link?.resume();
  device.link?.spare();
  for (;;) {
    if (performance.now() > deadline) throw new Error(`${device.owner.user} cannot stay in`);
    if (!device.isConnected) await device.enter();
    else if (!device.isIn) await device.logIn();
    await device.until('end of all that is under way', () => device.isSettled || !device.isConnected);
    if (device.isSettled) return;
  }
}

/** Who is in a room at the end, by the server and by the log. */
async function checkMembers(device: Device, room: string, sight: Sight, report: Report): Promise<void> {
  const due = sight.membersOf(room).toSorted();
  const answer = await device.call('who', room);
  const isGone = answer?.[2] === 'no_such_room';
  const page = isGone ? [] : answer?.[0] === 'ok' && Array.isArray(answer[2]) ? answer[2][0] : undefined;
  if (page === undefined)
    throw new Error(`${device.owner.user} asked for the members of ${room}: ${JSON.stringify(answer)}`);
  const members: string[] = page.map(([name]: readonly unknown[]) => String(name)).toSorted();
  if (members.join() === due.join()) return;
  report('stray', `${room} has the members ${members.join(' ')}, and by the log ${due.join(' ')}`);
}
