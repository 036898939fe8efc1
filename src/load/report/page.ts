/**
 * Renders a result as a self-contained HTML file: no scripts, no requests, and a style sheet that the content security policy
 * allows by its hash. The charts are static SVG.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cleanBlock, cleanLine, escapeHtml } from '../../common/escape-html.ts';
import { describeOutcome, describeStanding } from '../result/expect.ts';
import { factsOf, LATENCY_COLUMNS, latencyRows, originOf, type ResultFact } from '../result/facts.ts';
import type { Result } from '../result/result.ts';
import { glueUnits } from '../result/text-columns.ts';
import { type Standing, verdictOf } from '../result/verdict.ts';
import { renderChart } from './chart.ts';
import { chartsOf } from './charts.ts';

// Browsers normalize `\r\n` to one newline before they compare hashes.
const STYLE = `\n${readFileSync(new URL('./style.css', import.meta.url), 'utf8').replaceAll('\r\n', '\n')}`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const STANDINGS = { good: 'Passed', bad: 'Failed', invalid: 'Not valid' } as const satisfies Record<
  Standing,
  string
>;

export function renderReport(result: Result): string {
  const { standing, text } = verdictOf(result);
  const title = `Load test: ${result.scenario.name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${html(title)} – Parley</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${html(title)}</h1>
<p class="about">${html(result.scenario.about)}</p>
<p class="verdict ${standing}"><strong>${STANDINGS[standing]}</strong> ${html(text)}</p>
${invalidity(result)}</header>
<main>
<div class="columns">
<div class="column">
${latencies(result)}${expectations(result)}${renderFacts('Origin', 'origin', originOf(result))}</div>
${renderFacts('Figures', 'figures', factsOf(result))}</div>
<section class="charts" aria-label="Charts">
<h2>Charts</h2>
<p class="note">Shaded periods are not part of the figures. Long ones are compressed.</p>
${chartsOf(result).map(renderChart).join('')}</section>
${details('Scenario', result.scenario)}${details('Environment', { server: result.server, ...result.environment })}</main>
</body>
</html>
`;
}

function invalidity({ invalid }: Result): string {
  if (invalid.length === 0) return '';
  return `<ul class="invalid">${invalid.map((reason) => `<li><b>Invalid:</b> ${html(reason)}</li>`).join('')}</ul>\n`;
}

function latencies(result: Result): string {
  const rows = latencyRows(result);
  if (rows.length === 0) return '';
  const head = LATENCY_COLUMNS.map((column) => `<th scope="col">${column}</th>`).join('');
  const body = rows.map(
    ({ name, cells }) =>
      `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`,
  );
  return `<section class="latency">
<h2>Latency</h2>
<div class="wide-table"><table><thead><tr><td></td>${head}</tr></thead><tbody>
${body.join('\n')}
</tbody></table></div>
</section>
`;
}

function expectations({ expectations }: Result): string {
  if (expectations.length === 0) return '';
  const rows = expectations.map((outcome) => {
    const judgement = describeStanding(outcome);
    return `<tr class="${judgement.replace(' ', '-')}"><th scope="row"><code>${html(outcome.text)}</code></th><td>${html(describeOutcome(outcome))}</td><td>${judgement}</td></tr>`;
  });
  return `<section class="thresholds">
<h2>Thresholds</h2>
<table><thead><tr><th scope="col">threshold</th><th scope="col">measured</th><th scope="col"></th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>
</section>
`;
}

function renderFacts(title: string, style: string, facts: readonly ResultFact[]): string {
  const rows = facts.map(
    ({ label, texts, isBad, isCommand }) =>
      `<div${isBad ? ' class="bad"' : ''}><dt>${label}</dt><dd>${texts.map((text) => `<p>${isCommand ? command(text) : html(text)}</p>`).join('')}</dd></div>`,
  );
  return `<section class="${style}">
<h2>${title}</h2>
<dl>
${rows.join('\n')}
</dl>
</section>
`;
}

/** Prevents line breaks within an argument, because a break after a hyphen would look like two arguments. */
function command(text: string): string {
  const words = cleanLine(text).split(' ');
  return `<code>${words.map((word) => `<span>${escapeHtml(word)}</span>`).join(' ')}</code>`;
}

function details(title: string, value: unknown): string {
  const json = escapeHtml(cleanBlock(JSON.stringify(value, undefined, 2)));
  return `<details><summary>${title}</summary><pre tabindex="0">${json}</pre></details>\n`;
}

/** Escapes text for elements and attribute values. */
function html(text: string): string {
  return escapeHtml(cleanLine(glueUnits(text)));
}
