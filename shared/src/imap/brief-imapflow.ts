/**
 * imapflow that logs in with fewer questions. From the greeting to a folder that is open, against Dovecot:
 *
 *     imapflow   ID │ AUTHENTICATE PLAIN │ + response │ ID │ NAMESPACE │ ENABLE CONDSTORE │ EXAMINE
 *     here       ID │ AUTHENTICATE PLAIN response     │                                  │ EXAMINE
 *
 * Each of the four costs a round trip to a mail server that is often far away, and a tenth of the time that two cores need for a folder
 * that begins (issue 7):
 * - the response of PLAIN goes with its command where the server takes that (SASL-IR, RFC 4959), as imapflow does it with tokens;
 * - a server that has said who it is, be it only by name, is not asked again after the login;
 * - NAMESPACE (RFC 2342) is asked by the one who wants to know, once the client is `usable`; what it tells of a login that has no mailbox
 *   behind it (Exchange), the next command tells as well;
 * - CONDSTORE (RFC 7162) is not enabled: nobody here reads MODSEQ, which would come with every FETCH and SEARCH. UTF8=ACCEPT
 *   (RFC 6855) still is, where it is offered.
 *
 * There are options for none of it but the last, and that one is for all of ENABLE: two methods are overridden that imapflow calls and
 * does not document. `brief-imapflow.test.ts` fails where another release does it otherwise; then everything works as before,
 * only slower.
 */
import type { ImapFlow as Documented, ImapFlowOptions } from 'imapflow';
import { ImapFlow } from './quiet-imapflow.ts';

interface Atom {
  readonly type: 'ATOM';
  readonly value: string;
  readonly sensitive?: boolean;
}

interface Undocumented {
  /** A command with all that imapflow does about it. */
  run(command: string, ...args: readonly unknown[]): Promise<unknown>;
  /** A command on the wire. */
  exec(command: string, attributes: readonly Atom[], options: unknown): Promise<unknown>;
}

const Base = ImapFlow as unknown as new (options: ImapFlowOptions) => Documented & Undocumented;

export class BriefImapFlow extends Base {
  #idOfServer: object | null = null;

  override async run(command: string, ...args: readonly unknown[]): Promise<unknown> {
    switch (command.toUpperCase()) {
      case 'ID': {
        if (this.#idOfServer !== null) return this.#idOfServer;
        const id = await super.run(command, ...args);
        if (typeof id === 'object' && id !== null && Object.keys(id).length > 0) this.#idOfServer = id;
        return id;
      }
      case 'NAMESPACE':
        return this.usable ? await super.run(command, ...args) : undefined;
      case 'ENABLE':
        // What is not offered it leaves out, and asks nothing when nothing is left.
        return await super.run(command, ['UTF8=ACCEPT']);
      default:
        return await super.run(command, ...args);
    }
  }

  override exec(command: string, attributes: readonly Atom[], options: unknown): Promise<unknown> {
    const { user, pass } = this.options.auth ?? {};
    const isPlain = command === 'AUTHENTICATE' && attributes.length === 1 && attributes[0]?.value === 'PLAIN';
    if (!isPlain || pass === undefined || !this.capabilities.has('SASL-IR'))
      return super.exec(command, attributes, options);
    // RFC 4616. A server that asks for it nevertheless is answered by imapflow.
    const value = Buffer.from(`\0${user ?? ''}\0${pass}`).toString('base64');
    return super.exec(command, [...attributes, { type: 'ATOM', value, sensitive: true }], options);
  }
}

/** Asks for the prefix of the personal namespace, e.g. `INBOX.`; '' where the server does not say. */
export async function askNamespacePrefix(client: BriefImapFlow): Promise<string> {
  await client.run('NAMESPACE');
  const { namespace } = client;
  // imapflow would put the prefix before every name that lacks it, so folders outside it could not be opened.
  if (namespace !== undefined) client.namespace = { ...namespace, prefix: '' };
  return namespace?.prefix ?? '';
}
