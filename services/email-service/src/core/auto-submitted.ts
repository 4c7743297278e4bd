/**
 * Was this message sent by a program, so that answering it could start a loop?
 * RFC 3834 section 5 (`Auto-Submitted`), and what older software sends instead of it. Not marks: `List-*` alone (people write to
 * lists) and `X-Auto-Response-Suppress` (it asks not to be answered, it does not say that it is an answer).
 */
import { keywordOf, type HeaderField } from '@mailstream/shared/domain/header-fields';

const PRECEDENCE = new Set(['bulk', 'junk', 'list', 'auto_reply']);
const AUTOMATIC_REPORT =
  /^\s*multipart\/report\b.*\breport-type\s*=\s*"?(delivery-status|disposition-notification)/is;

export function isAutoSubmitted(headers: readonly HeaderField[]): boolean {
  return headers.some((header) => {
    const value = keywordOf(header.value);
    switch (header.name.toLowerCase()) {
      case 'auto-submitted':
        return value !== '' && value !== 'no';
      case 'precedence':
        return PRECEDENCE.has(value);
      // A null return path (RFC 5321 section 4.5.5): delivery reports and well-behaved responders.
      case 'return-path':
        return value === '<>';
      case 'x-autoreply':
      case 'x-autorespond':
        return value !== 'no';
      case 'content-type':
        return AUTOMATIC_REPORT.test(header.value);
      default:
        return false;
    }
  });
}
