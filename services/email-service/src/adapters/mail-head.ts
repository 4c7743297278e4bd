/** The header block of a message, without reading the rest. */

/** Room for the empty line that ends the block, below the reader's limit. */
const MARGIN_BYTES = 1024;

/**
 * The header block with the empty line that ends it. Over `maxBytes` it is cut after the last whole line that fits, so that what
 * is above can still be read.
 */
export async function readHead(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const limit = maxBytes - MARGIN_BYTES;
  let head = Buffer.alloc(0);
  for await (const chunk of chunks) {
    // An end that straddles two chunks is found because the last bytes are looked at again.
    const from = Math.max(0, head.length - 3);
    head = Buffer.concat([head, chunk]);
    const end = endOfHead(head, from);
    if (end !== null && end <= limit) return head.subarray(0, end);
    if (head.length > limit) break;
  }
  const lines = head.length > limit ? head.subarray(0, lastLineEnd(head.subarray(0, limit))) : head;
  return Buffer.concat([lines, Buffer.from('\r\n\r\n')]);
}

function endOfHead(bytes: Buffer, from: number): number | null {
  if (from === 0 && (bytes[0] === 0x0a || (bytes[0] === 0x0d && bytes[1] === 0x0a)))
    return bytes.indexOf(0x0a) + 1;
  for (let at = bytes.indexOf(0x0a, from); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2;
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3;
  }
  return null;
}

function lastLineEnd(bytes: Buffer): number {
  const end = bytes.lastIndexOf(0x0a);
  // One line of a megabyte: the part of it that fits is better than nothing.
  return end === -1 ? bytes.length : end + 1;
}
