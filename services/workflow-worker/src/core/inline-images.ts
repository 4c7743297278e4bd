/**
 * Images inside HTML refer to attachments of their mail as `cid:<Content-ID>` (RFC 2392). Here they come to refer to the stored
 * attachment, `attachment:<id>`: no address, so that it holds when a ticket is merged, and a browser that should get to see it
 * unsanitised loads nothing. Whoever shows the HTML sanitises it and resolves these to attachments of the same ticket only. Pure.
 */

/** An attribute's or style's value that begins with `cid:`. No character is looked at twice. */
const REFERENCE = /(["'(=\s])cid:([^"'()\s<>]{1,998})/gi;

/**
 * @param ids attachment ids by Content-ID without angle brackets
 * @returns the HTML and the ids that it shows; references to nothing stay as they are
 */
export function rewriteInlineImages(
  html: string,
  ids: ReadonlyMap<string, string>,
): { readonly html: string; readonly shown: ReadonlySet<string> } {
  const shown = new Set<string>();
  if (ids.size === 0) return { html, shown };
  const rewritten = html.replace(REFERENCE, (whole, before: string, reference: string) => {
    const id = ids.get(decoded(reference)) ?? ids.get(reference);
    if (id === undefined) return whole;
    shown.add(id);
    return `${before}attachment:${id}`;
  });
  return { html: rewritten, shown };
}

/** `<a@b>` and `a@b` are one Content-ID. */
export function bareContentId(contentId: string): string {
  return contentId.trim().replace(/^<|>$/g, '');
}

/** Some programs escape what stands in an address, also as entities. */
function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference.replaceAll('&amp;', '&').replaceAll('&#64;', '@'));
  } catch {
    return reference;
  }
}
