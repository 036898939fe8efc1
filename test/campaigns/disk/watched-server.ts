/** A campaign server that must exit cleanly, and whose threads and connections must not fail while it runs. */

import type { Exit } from '../../support/process.ts';
import type { Findings } from '../campaign.ts';
import { CampaignServer, type CampaignServerOptions } from '../kill/campaign-server.ts';

/** Log events of a thread that ended and of a connection that failed. */
const DEATHS = ['"event":"thread.', '"event":"connection.failed'];

export class WatchedServer extends CampaignServer {
  readonly #findings: Findings;

  constructor(options: CampaignServerOptions, findings: Findings) {
    super(options);
    this.#findings = findings;
  }

  override async stop(): Promise<Exit> {
    const exit = await super.stop();
    if (exit.code !== 0) this.#report(`stopped with ${exit.code}: ${this.running.stderr().slice(-2_000)}`);
    this.#lookForDeaths();
    return exit;
  }

  override async kill(): Promise<void> {
    this.#lookForDeaths();
    await super.kill();
  }

  #lookForDeaths(): void {
    const lines = this.running.stderr().split('\n');
    const death = lines.find((line) => DEATHS.some((event) => line.includes(event)));
    if (death !== undefined) this.#report(death.slice(0, 2_000));
  }

  #report(detail: string): void {
    this.#findings.report('died', detail);
  }
}
