/** Small builders for MIME entities with CRLF line ends, and random bytes that a seed decides. */

/** A number in [0, 1). */
export type SeededRandom = () => number;

/** mulberry32: small, and good enough for content. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function randomBytes(random: SeededRandom, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let i = 0;
  for (; i + 4 <= length; i += 4) bytes.writeUInt32LE(Math.floor(random() * 4_294_967_296), i);
  for (; i < length; i++) bytes[i] = Math.floor(random() * 256);
  return bytes;
}

export function crlf(text: string): Buffer {
  return Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'utf8');
}

/** Header fields, an empty line, the body and a line end. A field that is null is left out. */
export function entity(
  fields: Readonly<Record<string, string | Buffer | null>>,
  body: Buffer | string,
): Buffer {
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : [Buffer.from(`${name}: `), Buffer.from(value), Buffer.from('\r\n')],
  );
  return Buffer.concat([...lines, Buffer.from('\r\n'), Buffer.from(body), Buffer.from('\r\n')]);
}

/** An entity inside a multipart: the line end before the next boundary belongs to that. */
export function part(fields: Readonly<Record<string, string>>, body: Buffer | string): Buffer {
  const whole = entity(fields, body);
  return whole.subarray(0, whole.length - 2);
}

/** Base64 in lines of 76 characters, without a line end after the last. */
export function base64(bytes: Buffer): Buffer {
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += 57) lines.push(bytes.toString('base64', i, i + 57));
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

export function attachmentPart(
  contentType: string,
  bytes: Buffer,
  fields: Readonly<Record<string, string>>,
): Buffer {
  const all = { 'Content-Type': contentType, 'Content-Transfer-Encoding': 'base64', ...fields };
  return part(all, base64(bytes));
}
