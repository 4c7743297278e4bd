/**
 * Canaries: secrets with values that occur nowhere else, so that a leak is found by searching what a test captured
 * (logs, errors, rows, metrics) for any form in which a program might have written them.
 */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';

export interface Canary {
  /** What it stands for, e.g. `refresh token`; named in the failure instead of the value. */
  readonly name: string;
  readonly value: string;
}

/**
 * A new secret with a random part. It holds characters that URL, JSON and form encodings write differently, so that a
 * test finds those forms too.
 */
export function newCanary(name: string): Canary {
  return { name, value: `canary/${randomBytes(9).toString('hex')}+"ä=${randomBytes(3).toString('hex')}` };
}

/** A canary of base64url characters only, for places that take nothing else. */
export function newPlainCanary(name: string): Canary {
  return { name, value: `canary${randomBytes(12).toString('hex')}` };
}

/** Every form of `value` that is searched for. Parts shorter than this would be found by chance. */
const MIN_LENGTH = 8;

export function canaryForms(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const hex = bytes.toString('hex');
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    value.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
  ];
  return [...new Set(forms)].filter((form) => form.length >= MIN_LENGTH);
}

/**
 * Base64 of a value inside a longer text (an XOAUTH2 response, a Basic header) depends on its offset modulo 3: the
 * characters that its neighbours share are cut off.
 */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
    const text = whole.toString('base64').replace(/=+$/, '');
    const from = offset === 0 ? 0 : offset + 1;
    const to = whole.length % 3 === 0 ? text.length : text.length - 1;
    const inner = text.slice(from, to);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * @param captured text, bytes, or any value: values are searched as `util.inspect` shows them, hidden fields included,
 *   and as JSON
 * @throws Error that names the canary, the form's place and what surrounds it, with the canary itself masked
 */
export function assertNoCanary(captured: unknown, canaries: readonly Canary[]): void {
  for (const text of textsOf(captured)) {
    for (const canary of canaries) {
      for (const form of canaryForms(canary.value)) {
        const at = text.indexOf(form);
        if (at === -1) continue;
        const around = `${text.slice(Math.max(0, at - 40), at)}<canary>${text.slice(at + form.length, at + form.length + 20)}`;
        throw new Error(`${canary.name} leaked at ${at}: ${around}`);
      }
    }
  }
}

function textsOf(captured: unknown): readonly string[] {
  if (typeof captured === 'string') return [captured];
  // latin1 keeps each byte, utf8 finds text.
  if (captured instanceof Uint8Array) {
    const bytes = Buffer.from(captured);
    return [bytes.toString('utf8'), bytes.toString('latin1')];
  }
  const options = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null };
  return [inspect(captured, options), jsonOf(captured), String(captured), stackOf(captured)];
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

function stackOf(value: unknown): string {
  return value instanceof Error ? `${value.stack ?? ''}\n${stackOf(value.cause)}` : '';
}
