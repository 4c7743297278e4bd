/**
 * Headers under which a file of a stranger's mail leaves us. Nothing of it may run in our origin: it is saved, not shown, besides
 * images of kinds that cannot hold a script, and even those in a sandbox.
 */

/** What `<img>` shows without a doubt about what it is; SVG is a document. */
const IMAGE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/bmp']);
const MAX_NAME = 150;
/** Control characters, line separators, zero-width and bidirectional controls, and what a path is made of. */
// oxlint-disable-next-line no-control-regex -- taking out exactly these is the point
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"\\/:*?<>|%;]/g;

export function downloadHeaders(name: string, contentType: string): Readonly<Record<string, string>> {
  const type = contentType.trim().toLowerCase();
  return {
    'content-type': IMAGE_TYPES.has(type) ? type : 'application/octet-stream',
    'content-disposition': attachmentDisposition(name),
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    // Content-addressed: what an id names never changes. For this person's browser only.
    'cache-control': 'private, max-age=3600, immutable',
  };
}

/** RFC 6266: a name in ASCII for old programs, and the whole one in UTF-8 (RFC 8187). */
export function attachmentDisposition(name: string): string {
  const safe = wellFormed(name)
    .replace(UNSAFE, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  // A cut must not leave half a character.
  const whole = safe.slice(0, MAX_NAME).replace(/[\ud800-\udbff]$/, '') || 'attachment';
  const ascii = whole.replace(/[^\x20-\x7e]/g, '_');
  const encoded = encodeURIComponent(whole).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** Without lone surrogates, which cannot be encoded. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
