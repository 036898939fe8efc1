/**
 * Renders a record as one HTML element in one contiguous run of bytes, ending in a newline. The newline tells the
 * page's script that the element is complete. All data for the script is in `data-` attributes; without a script the
 * element is readable as it is.
 */

import { foldName } from '../../chat/names.ts';
import { cleanBlock, cleanLine, escapeHtml } from '../../common/escape-html.ts';
import { type AnswerLine, isMarked } from '../commands/answer-line.ts';
import { formatDate, toDate } from '../terminal/local-time.ts';
import { conversationOf, type DisplayRecord, isRoom, type MessageRecord } from './display-record.ts';
import { findLinks } from './links.ts';

/** Number of colours for names: the classes `hue-0`, `hue-1` and so on in the page's style. */
export const HUES = 12;

/** The log is divided into blocks of this many elements, so that a browser need not lay out those out of sight. */
const BLOCK = 100;

export const BLOCK_START = '<div class="block">\n';

/** The markup before the element with that number: if a block is full, the start of the next. */
export function renderBreak(sequence: number): string {
  return sequence > 1 && sequence % BLOCK === 1 ? `</div>\n${BLOCK_START}` : '';
}

/** `sequence` counts the records of one run of the display from 1. */
export function renderRecord(record: DisplayRecord, sequence: number): string {
  switch (record.type) {
    case 'message':
      return renderMessage(record, sequence);
    case 'stored':
      return element(sequence, record.type, '', { tag: record.tag, id: record.id, at: record.at }, '', true);
    case 'delivered':
      return element(sequence, record.type, '', { id: record.id }, '', true);
    case 'failed':
      return element(
        sequence,
        record.type,
        'notice error',
        { tag: record.tag, unsure: record.isUnsure ? '' : undefined },
        `<span class="label">${record.isUnsure ? 'Not acknowledged' : 'Not sent'}</span> ${block(record.text)}`,
      );
    case 'membership':
      return element(
        sequence,
        record.type,
        'quiet',
        { id: record.id, at: record.at, in: foldName(record.room), name: record.room },
        `${time(record.at)} <span>${name(record.user)} ${record.kind} ${inline(record.room)}</span>`,
      );
    case 'presence':
      return element(
        sequence,
        record.type,
        'quiet',
        { at: record.at, in: foldName(record.user) },
        `${time(record.at)} <span>${name(record.user)} ${record.kind === 'online' ? 'is online' : 'went offline'}</span>`,
      );
    case 'notice':
      return element(
        sequence,
        record.type,
        record.level,
        { at: record.at },
        `${time(record.at)} <span class="label">${NOTICE_LABELS[record.level]}</span> ${block(record.text)}`,
      );
    case 'answer':
      return element(
        sequence,
        record.type,
        record.ok ? '' : 'error',
        { at: record.at },
        `${time(record.at)} <code class="label"><bdi>${line(record.command)}</bdi></code> ${lines(record.lines)}`,
      );
    case 'connection':
      return element(
        sequence,
        record.type,
        `quiet ${record.state}`,
        { at: record.at, state: record.state },
        `${time(record.at)} <bdi class="connection-text">${line(record.text)}</bdi>`,
      );
    default:
      record satisfies never;
      return '';
  }
}

/** The end of a full page, with a link to the page that continues it. */
export function renderEnd(name: string): string {
  const link = `<a href="./${escapeHtml(encodeURIComponent(name))}">${line(name)}</a>`;
  return `<p class="end">This page is full. It continues in ${link}.</p>\n`;
}

const NOTICE_LABELS = { info: 'Notice', warning: 'Warning', error: 'Error' } as const;

function renderMessage(message: MessageRecord, sequence: number): string {
  const room = isRoom(message.to);
  const where = room ? inline(message.to) : message.own ? `to ${inline(message.to)}` : 'to you';
  return element(
    sequence,
    message.type,
    `${room ? 'room' : 'direct'}${message.own ? ' own' : ''}`,
    {
      id: message.id,
      at: message.at,
      from: foldName(message.from),
      in: conversationOf(message),
      name: room || message.own ? message.to : message.from,
      tag: message.tag,
    },
    `${time(message.at)} <div class="head">${name(message.from)}${message.own ? ' <span class="you">you</span>' : ''} <span class="where">${where}</span></div> ${block(message.text)}`,
  );
}

function element(
  sequence: number,
  kind: DisplayRecord['type'],
  classes: string,
  data: Readonly<Record<string, string | number | null | undefined>>,
  content: string,
  hidden = false,
): string {
  let attributes = ` data-seq="${sequence}" data-kind="${kind}"`;
  for (const [key, value] of Object.entries(data)) {
    if (value === null || value === undefined) continue;
    attributes += ` data-${key}="${line(String(value))}"`;
  }
  return `<div class="${`entry ${kind} ${classes}`.trimEnd()}"${attributes}${hidden ? ' hidden' : ''}>${content}</div>\n`;
}

function line(text: string): string {
  return escapeHtml(cleanLine(text));
}

function inline(text: string): string {
  return `<bdi>${line(text)}</bdi>`;
}

function name(text: string): string {
  return `<bdi class="name hue-${hueOf(text)}">${line(text)}</bdi>`;
}

function block(text: string): string {
  return `<div class="text" dir="auto">${linked(cleanBlock(text))}</div>`;
}

function lines(answer: readonly AnswerLine[]): string {
  return `<div class="text" dir="auto">${answer.map(renderLine).join('\n')}</div>`;
}

/** Text from a message stays on one line, and cannot change the direction of the rest. */
function renderLine(answer: AnswerLine): string {
  if (typeof answer === 'string') return linked(cleanBlock(answer));
  const pieces = answer.snippet.map((piece, at) =>
    isMarked(at) ? `<mark>${line(piece)}</mark>` : line(piece),
  );
  return `${line(answer.lead)}<bdi>${pieces.join('')}</bdi>`;
}

function linked(text: string): string {
  let html = '';
  let done = 0;
  for (const { start, end, href, host } of findLinks(text)) {
    // The style shows the host behind the link.
    const realHost = host === undefined ? '' : ` data-host="${escapeHtml(host)}"`;
    html += `${escapeHtml(text.slice(done, start))}<a href="${escapeHtml(href)}"${realHost} dir="ltr" target="_blank" rel="noopener noreferrer">${escapeHtml(text.slice(start, end))}</a>`;
    done = end;
  }
  return html + escapeHtml(text.slice(done));
}

/** The date is for reading without the script, which shows it once per day instead. */
function time(at: number): string {
  const moment = toDate(at);
  return `<time datetime="${moment.toISOString()}">${formatDate(moment)}</time>`;
}

/** A user has the same colour in every room, on every day: FNV-1a over the name, ignoring case. */
function hueOf(user: string): number {
  let hash = 0x811c9dc5;
  for (const character of foldName(user)) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash % HUES;
}
