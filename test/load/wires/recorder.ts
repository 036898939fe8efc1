/** Records the calls of a wire's connection. */

import type { WireHandler } from '../../../src/load/wires/client-wire.ts';
import { until } from '../../support/process.ts';

export class Recorder implements WireHandler {
  /** In order, with texts as strings. */
  readonly events: Array<readonly unknown[]> = [];

  readStarted(): void {}

  message(bytes: Buffer, start: number, end: number, id: number): void {
    this.events.push(['message', bytes.toString('latin1', start, end), id]);
  }

  acknowledged(number: number, id: number): void {
    this.events.push(['acknowledged', number, id]);
  }

  refused(number: number, code: string): void {
    this.events.push(['refused', number, code]);
  }

  unexpected(bytes: number): void {
    this.events.push(['unexpected', bytes]);
  }

  live(): void {
    this.events.push(['live']);
  }

  closed(reason: string): void {
    this.events.push(['closed', reason]);
  }

  get texts(): unknown[] {
    return this.of('message').map(([, text]) => text);
  }

  of(kind: string): Array<readonly unknown[]> {
    return this.events.filter(([name]) => name === kind);
  }

  /** The events of that kind, once there are that many. */
  async has(kind: string, count = 1): Promise<Array<readonly unknown[]>> {
    await until(`${count} × ${kind}`, () => this.of(kind).length >= count, {
      state: () => JSON.stringify(this.events),
    });
    return this.of(kind);
  }
}
