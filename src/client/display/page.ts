/**
 * The display before its first record: a complete page to whose end elements are appended. Style and script are inline
 * and allowed by their hashes in the content security policy. Nothing else on the page can style or run, and only the
 * script can load the live file (`strict-dynamic`).
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cleanLine, escapeHtml } from '../../common/escape-html.ts';
import { BLOCK_START, HUES } from './render.ts';

/** The first lines, by which an existing display is recognised. */
export const PAGE_MARKER = '<!doctype html>\n<!-- parley display 1 -->\n';

/** Modules of `page/` in the order of their imports. They become one script, so their top-level names must differ. */
const MODULES = [
  'entry',
  'blocks',
  'timeline',
  'grouping',
  'tab-state',
  'conversations',
  'scroll-position',
  'liveness',
  'live',
  'status',
  'main',
];

const STYLES = ['frame', 'conversations', 'entries'];

const STYLE = `\n${STYLES.map((name) => readPart(`${name}.css`)).join('\n')}\n${renderHues()}`;
const SCRIPT = `\n(() => {\n'use strict';\n${MODULES.map((name) => joinable(readPart(`${name}.js`))).join('\n')}})();\n`;

const POLICY = [
  "default-src 'none'",
  `script-src '${hashOf(SCRIPT)}' 'strict-dynamic'`,
  `style-src '${hashOf(STYLE)}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export type PageOptions = {
  /** For people: whose display this is, and on which server. */
  readonly title: string;
  /** Random, different for every run of the client. */
  readonly run: string;
  /** Name of the live file, in the folder of the page. */
  readonly liveName: string;
  /** Address of the page that this one continues. */
  readonly earlier?: string;
};

export function renderPage({ title, run, liveName, earlier }: PageOptions): string {
  const heading = escapeHtml(cleanLine(title));
  const live = escapeHtml(`./${encodeURIComponent(liveName)}`);
  const link =
    earlier === undefined
      ? ''
      : `<p class="earlier"><a href="${escapeHtml(earlier)}">Earlier messages</a></p>\n`;
  return `${PAGE_MARKER}<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${heading} – Parley</title>
<style>${STYLE}</style>
<noscript><meta http-equiv="refresh" content="5"></noscript>
<script>${SCRIPT}</script>
</head>
<body>
<header>
<h1>${heading}</h1>
<p id="status" role="status"></p>
</header>
<nav id="conversations" aria-label="Conversations" hidden></nav>
<button id="latest" type="button" hidden></button>
<main>
${link}<div id="log" role="log" aria-label="Messages" data-run="${escapeHtml(run)}" data-live="${live}">
${BLOCK_START}`;
}

function readPart(name: string): string {
  // A browser reads `\r\n` as one newline before it compares hashes.
  return readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8').replaceAll('\r\n', '\n');
}

/** The colours of names, as far apart as their number allows. Their lightness is in `entries.css`. */
function renderHues(): string {
  const rules = Array.from(
    { length: HUES },
    (_, hue) => `.hue-${hue} { --hue: ${(hue * 360) / HUES + 15}; }\n`,
  );
  return rules.join('');
}

/** Turns a module into a part of one script: drops its imports, and makes its exports plain declarations. */
function joinable(source: string): string {
  return source.replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, '');
}

function hashOf(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}
