/**
 * The IMAP servers of a config-v1.1.xml (Mozilla's autoconfig format). The file comes from whoever owns a domain: it may be
 * anything. No entity is expanded and a document type is refused; only encrypted IMAP servers with a plain host name are taken.
 */
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import type { AnnouncedServer } from '../ports/mail-directory.ts';

const LISTS = new Set(['incomingServer', 'authentication']);
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;

const serverSchema = z.object({
  '@type': z.string(),
  hostname: z.string().regex(HOST),
  port: z.coerce.number().int().min(1).max(65535),
  socketType: z.enum(['SSL', 'STARTTLS']),
  username: z.string().min(1).max(320).default('%EMAILADDRESS%'),
  authentication: z.array(z.string()).default([]),
});

const fileSchema = z.object({
  clientConfig: z.object({
    emailProvider: z.object({ incomingServer: z.array(z.unknown()) }),
  }),
});

/** In the file's order, which is its order of preference. Empty for whatever is no such file. */
export function readAutoconfigXml(text: string): readonly AnnouncedServer[] {
  if (/<!DOCTYPE/i.test(text)) return [];
  const file = fileSchema.safeParse(parsed(text));
  if (!file.success) return [];
  return file.data.clientConfig.emailProvider.incomingServer.flatMap((entry) => {
    const server = serverSchema.safeParse(entry);
    if (!server.success || server.data['@type'] !== 'imap') return [];
    const { hostname, port, socketType, username, authentication } = server.data;
    const offersOauth = authentication.includes('OAuth2');
    const offersPassword = authentication.length === 0 || authentication.some((way) => way !== 'OAuth2');
    return {
      host: hostname.toLowerCase(),
      port,
      security: socketType === 'SSL' ? 'tls' : 'starttls',
      username,
      logins: [...(offersOauth ? ['oauth2' as const] : []), ...(offersPassword ? ['password' as const] : [])],
    };
  });
}

function parsed(text: string): unknown {
  const parser = new XMLParser({
    processEntities: false,
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    isArray: (name) => LISTS.has(name),
  });
  try {
    return parser.parse(text, true);
  } catch {
    return null;
  }
}
