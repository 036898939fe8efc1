/**
 * Compares Parley with other servers: runs the same closed loops against each of them, alternating. Writes the medians to
 * `docs/benchmarks.md`, with one chart per workload, and all samples to `docs/benchmarks/samples.json`. Installs nothing: it
 * skips servers that are not installed and prints how to install them.
 *
 *   node bench/peers.ts [--rounds 5] [--seconds 8] [--only ngircd,room,…] [--from docs/benchmarks/samples.json]
 *
 * --only selects servers and workloads by name; the page then goes to stdout, and no file is written. --from regenerates the page
 * and its charts from saved samples without measuring anything.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { formatBytes, formatCount } from '../src/load/result/format.ts';
import { environmentOf } from '../src/load/run/environment.ts';
import { catchInterruption } from './interruption.ts';
import { type Benchmark, readBenchmark, writeBenchmark } from './peers/benchmark.ts';
import { renderChart } from './peers/chart.ts';
import { fileSystemOf } from './peers/file-system.ts';
import { inspircd } from './peers/inspircd.ts';
import { ngircd } from './peers/ngircd.ts';
import { withoutNagle } from './peers/no-delay.ts';
import { chartPath, renderPage } from './peers/page.ts';
import { panelsOf, rowsOf } from './peers/panels.ts';
import { parley } from './peers/parley.ts';
import type { Peer } from './peers/peer.ts';
import { type Sample, sampleOf } from './peers/sample.ts';
import { socketIo } from './peers/socket-io.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { runScenario } from './run-scenario.ts';
import { withFolder } from './temporary-folder.ts';

const PEERS: readonly Peer[] = [parley, ngircd, inspircd, withoutNagle(inspircd), socketIo];
const DOCS = new URL('../docs/', import.meta.url);

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    only: { type: 'string' },
    from: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const signal = catchInterruption();
if (values.from === undefined) process.exitCode = await compare(values.only?.toLowerCase().split(','));
else publish(readBenchmark(readFileSync(values.from, 'utf8'), PEERS, WORKLOADS));

async function compare(only: readonly string[] | undefined): Promise<number> {
  const at = new Date().toISOString();
  const selected = PEERS.filter(({ name }) => isSelected(only, name, PEERS));
  const workloads = WORKLOADS.filter(({ name }) => isSelected(only, name, WORKLOADS));
  const versions = await Promise.all(selected.map((peer) => peer.version()));
  const peers = selected.flatMap((peer, index) => {
    const version = versions[index];
    return version === undefined ? [] : [{ peer, version }];
  });
  const missing = selected.filter((_, index) => versions[index] === undefined);
  for (const { name, install } of missing)
    console.log(`${name} is not installed, so it is skipped. To install it: ${install}`);
  const samples: Sample[] = [];
  for (const workload of workloads) {
    for (let round = 1; round <= rounds; round += 1) {
      for (const { peer } of peers) {
        const sample = await measure(peer, workload);
        if (signal.aborted) return 130;
        console.log(
          `${workload.name} ${round}/${rounds} ${peer.name.padEnd(16)} ${sample === undefined ? 'incomplete' : describe(sample)}`,
        );
        if (sample !== undefined) samples.push(sample);
      }
    }
  }
  if (samples.length === 0) return 1;
  const benchmark: Benchmark = {
    at,
    environment: environmentOf(),
    fileSystem: fileSystemOf(tmpdir()),
    rounds,
    seconds,
    peers,
    missing: missing.map(({ name }) => name),
    workloads,
    samples,
  };
  if (only !== undefined) console.log(renderPage(benchmark));
  else {
    publish(benchmark);
    writeFileSync(new URL('benchmarks/samples.json', DOCS), writeBenchmark(benchmark));
  }
  return 0;
}

/** Writes the page and its charts. */
function publish(benchmark: Benchmark): void {
  mkdirSync(new URL('benchmarks/', DOCS), { recursive: true });
  writeFileSync(new URL('benchmarks.md', DOCS), renderPage(benchmark));
  for (const workload of benchmark.workloads) {
    const chart = renderChart(workload.title, panelsOf(rowsOf(workload, benchmark)));
    writeFileSync(new URL(chartPath(workload), DOCS), chart);
  }
}

/** True if `only` names it, or names nothing of its kind. */
function isSelected(
  only: readonly string[] | undefined,
  name: string,
  all: ReadonlyArray<{ readonly name: string }>,
): boolean {
  const named = all.map((one) => one.name.toLowerCase()).filter((one) => only?.includes(one));
  return named.length === 0 || named.includes(name.toLowerCase());
}

function measure(peer: Peer, workload: Workload): Promise<Sample | undefined> {
  return withFolder(async (folder) => {
    const server = await peer.start(folder);
    try {
      const [host = '', port] = server.address.split(':');
      const { name, wire, wireModule } = peer;
      const target = {
        name,
        host,
        port: Number(port),
        wire: wire.name,
        wireModule,
        pid: server.pid,
        password: undefined,
      };
      const ran = await runScenario(scenarioOf(workload, seconds), target, signal);
      if (ran.type === 'ran') return sampleOf(name, workload.name, ran.result);
      console.log(`${name}: ${ran.text}`);
      return undefined;
    } finally {
      await server.stop();
    }
  });
}

function describe({ cpuPerDelivery, rate, p50, p99, bytes, isBound, faults, errors, load }: Sample): string {
  return [
    `${cpuPerDelivery.toFixed(2)} µs/delivery`,
    `${formatCount(rate)} deliveries/s${isBound ? ' (limited by the generator)' : ''}`,
    `p50 ${p50.toFixed(2)} ms`,
    `p99 ${p99.toFixed(2)} ms`,
    formatBytes(bytes),
    `load ${load.toFixed(1)}`,
    ...(faults + errors === 0 ? [] : [`${faults} faults, ${errors} errors`]),
  ].join('  ');
}
